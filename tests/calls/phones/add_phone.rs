use domain::sample;
use insta::assert_json_snapshot;
use serde_json::json;

use crate::harness::Roster;

#[tokio::test]
async fn a_number_is_put_on_the_profile_in_e_164() {
    let roster = Roster::start().await;
    let path = roster.create(json!({ "username": "grace" })).await;
    let body = json!({ "phone_number": " +44 (151) 496-0961 ", "skip_restriction_checks": true });
    let answer = roster
        .send_json("POST", &format!("{path}/phones"), body)
        .await
        .expect(200);
    assert_json_snapshot!("added_phone", answer.body["phone_numbers"]);
    assert_eq!(answer.version(), 2);
    roster.table.check_invariants().await;
}

#[tokio::test]
async fn a_number_in_use_is_refused_however_it_is_punctuated() {
    let roster = Roster::start().await;
    roster.write(&sample::published()).await;
    let path = roster.create(json!({ "username": "grace" })).await;
    for number in ["+44 151 496 0453", "+44-(151)-496.0453"] {
        let body = json!({ "phone_number": number });
        let answer = roster
            .send_json("POST", &format!("{path}/phones"), body)
            .await;
        assert_eq!(answer.expect(422).codes(), ["DuplicatePhoneNumber"]);
    }
}

#[tokio::test]
async fn what_no_country_has_assigned_is_no_number() {
    let roster = Roster::start().await;
    let path = roster.create(json!({ "username": "grace" })).await;
    for number in ["441514960961", "+999123456789", "tel:+441514960961", "+1"] {
        let body = json!({ "phone_number": number });
        let answer = roster
            .send_json("POST", &format!("{path}/phones"), body)
            .await;
        assert_eq!(answer.expect(422).codes(), ["InvalidPhoneNumber"]);
    }
}

#[tokio::test]
async fn a_person_signs_in_by_an_added_number() {
    let roster = Roster::start().await;
    let path = roster
        .create(json!({
            "username": "grace", "password": sample::PASSWORD, "is_temporary_password": false,
        }))
        .await;
    let body = json!({ "phone_number": "+441514960961" });
    roster
        .send_json("POST", &format!("{path}/phones"), body)
        .await
        .expect(200);
    let body = json!({ "phone_number": "+44 151 4960961", "password": sample::PASSWORD });
    roster.attempt(body).send().await.expect(200);
}
