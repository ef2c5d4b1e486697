mod assign_group;
mod get_user_group;
mod list_group_users;
mod list_user_groups;
mod unassign_group;

use crate::harness::Roster;

/// The path of a user's place in a group.
pub(super) fn path(user: &str, group: &str) -> String {
    format!("{user}/groups/{}", group.rsplit('/').next().unwrap())
}

/// Where no group is.
pub(super) const NOWHERE: &str = "/api/groups/00000000-0000-4000-8000-000000000000";

impl Roster {
    /// Asks for the places of users in groups, given by their paths, of which a part is not there, and
    /// looks whether the answer tells which.
    pub(super) async fn tells_what_is_missing(
        &self,
        method: &str,
        places: [(&str, &str, &str); 3],
    ) {
        for (user, group, part) in places {
            let answer = self.send(method, &path(user, group)).await.expect(404);
            let detail = format!("There is no such {part}.");
            assert_eq!(answer.body["detail"], detail);
        }
    }

    /// Assigns a user to a group. Takes both paths, and returns that of the user's place in the group.
    pub(crate) async fn assign(&self, user: &str, group: &str) -> String {
        let path = path(user, group);
        self.send("POST", &path).await.expect(201);
        path
    }
}
