//! The AWS services beside the table, on this machine below `/_local/`: Amazon SES v2, Amazon SNS and
//! the Systems Manager, as far as Roster uses them, and the outbox in which they put messages.

use std::collections::BTreeMap;

use bytes::Bytes;
use domain::Timestamp;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming as Body;
use hyper::header::{ACCEPT, HeaderMap};
use hyper::{Method, Request, Response};
use serde::Deserialize;
use serde_json::{Value, json};
use store::Credentials;

use crate::home;
use crate::link_keys::KeyPair;
use crate::outbox::{self, Channel, Message, Outbox, Refusal};

/// More bytes than any e-mail of Roster has.
const MAX_BODY_BYTES: usize = 1024 * 1024;

const HTML: &str = "text/html; charset=utf-8";
const TEXT: &str = "text/plain; charset=utf-8";
const JSON: &str = "application/json";
const XML: &str = "text/xml";

/// The policy of the pages: it allows only the one stylesheet.
const PAGE_POLICY: &str = "default-src 'none'; style-src 'self'; base-uri 'none'; \
    form-action 'none'; frame-ancestors 'none'";
/// The policy of an e-mail, similar to a mail reader's: its own styles, no scripts, no forms.
const MAIL_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The services.
pub struct Services {
    outbox: Outbox,
    parameters: BTreeMap<&'static str, String>,
}

/// The settings to reach the services of a gateway at `base`, for the clients that send and those that
/// read parameters.
pub fn settings(base: &str) -> aws::Settings {
    aws::Settings {
        region: "eu-west-1".to_owned(),
        endpoint: Some(format!("{base}{}aws", Services::PATH)),
        credentials: Credentials::new("local", "local", None, None, "local"),
    }
}

impl Services {
    /// All paths below this one belong to the services.
    pub(crate) const PATH: &'static str = "/_local/";

    /// Services that put what they send into `outbox`, and return the keys as parameters.
    pub fn new(outbox: Outbox, keys: &KeyPair) -> Self {
        Self {
            outbox,
            parameters: keys
                .parameters()
                .map(|(name, value)| (name, value.to_owned()))
                .into(),
        }
    }

    /// Answers a request below [`Services::PATH`].
    pub(crate) async fn answer(
        &self,
        request: Request<Body>,
        now: Timestamp,
    ) -> Response<Full<Bytes>> {
        let (head, body) = request.into_parts();
        let path = head.uri.path();
        let path = path.strip_prefix(Self::PATH).unwrap_or(path);
        let segments: Vec<&str> = path.trim_end_matches('/').split('/').collect();
        if matches!(head.method, Method::GET | Method::HEAD) {
            return self.page(&segments, &head.headers);
        }
        let body = match Limited::new(body, MAX_BODY_BYTES).collect().await {
            Ok(body) => body.to_bytes(),
            Err(_) => return plain(413, TEXT, "The body is too large."),
        };
        match segments.as_slice() {
            ["aws", "v2", "email", "outbound-emails"] => self.send_email(&body, now),
            ["aws"] => match head.headers.get("x-amz-target") {
                Some(target) if target == "AmazonSSM.GetParameters" => self.get_parameters(&body),
                Some(_) => plain(400, JSON, json!({ "__type": "UnknownOperationException" })),
                None => self.publish(&body, now),
            },
            _ => plain(404, TEXT, "There is no such service."),
        }
    }

    fn page(&self, segments: &[&str], headers: &HeaderMap) -> Response<Full<Bytes>> {
        let message = |id: &str| self.outbox.message(id.parse().ok()?);
        let found = match segments {
            ["style.css"] => Some(plain(200, "text/css", outbox::STYLE)),
            ["outbox"] if wants_json(headers) => {
                Some(plain(200, JSON, json!(self.outbox.messages())))
            }
            ["outbox"] => {
                let page = outbox::list_page(self.outbox.messages());
                Some(html(PAGE_POLICY, page))
            }
            ["outbox", id] => message(id).map(|message| match message.html {
                Some(part) => html(MAIL_POLICY, part),
                None => html(PAGE_POLICY, outbox::text_page(&message)),
            }),
            ["outbox", id, "text"] => message(id).map(|message| plain(200, TEXT, message.text)),
            _ => None,
        };
        found.unwrap_or_else(|| plain(404, TEXT, "There is no such page."))
    }

    /// SES v2's `SendEmail` with simple content.
    fn send_email(&self, body: &[u8], now: Timestamp) -> Response<Full<Bytes>> {
        let sent = email(body, now)
            .ok_or(Refusal {
                status: 400,
                code: "BadRequestException",
            })
            .and_then(|message| self.outbox.send(message));
        match sent {
            Ok(id) => plain(200, JSON, json!({ "MessageId": id.to_string() })),
            Err(Refusal { status, code }) => builder(status, JSON)
                .header("x-amzn-errortype", code)
                .body(json!({ "message": "refused" }).to_string().into())
                .expect(CONSTANT),
        }
    }

    /// SNS's `Publish` to a phone number, in AWS's query protocol.
    fn publish(&self, body: &[u8], now: Timestamp) -> Response<Full<Bytes>> {
        let sent = sms(body, now)
            .ok_or(Refusal {
                status: 400,
                code: "InvalidParameter",
            })
            .and_then(|message| self.outbox.send(message));
        match sent {
            Ok(id) => plain(
                200,
                XML,
                format!(
                    "<PublishResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\">\
                     <PublishResult><MessageId>{id}</MessageId></PublishResult>\
                     <ResponseMetadata><RequestId>{id}</RequestId></ResponseMetadata>\
                     </PublishResponse>"
                ),
            ),
            Err(Refusal { status, code }) => plain(
                status,
                XML,
                format!(
                    "<ErrorResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\">\
                     <Error><Type>Sender</Type><Code>{code}</Code><Message>refused</Message></Error>\
                     <RequestId>refused</RequestId></ErrorResponse>"
                ),
            ),
        }
    }

    /// The Systems Manager's `GetParameters`.
    fn get_parameters(&self, body: &[u8]) -> Response<Full<Bytes>> {
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct GetParameters {
            names: Vec<String>,
        }

        let Ok(GetParameters { names }) = serde_json::from_slice(body) else {
            return plain(400, JSON, json!({ "__type": "ValidationException" }));
        };
        let (known, unknown): (Vec<_>, Vec<_>) = names
            .into_iter()
            .partition(|name| self.parameters.contains_key(name.as_str()));
        let known: Vec<Value> = known
            .into_iter()
            .map(|name| {
                let value = &self.parameters[name.as_str()];
                json!({ "Name": name, "Type": "SecureString", "Value": value, "Version": 1 })
            })
            .collect();
        let answer = json!({ "Parameters": known, "InvalidParameters": unknown });
        plain(200, "application/x-amz-json-1.1", answer)
    }
}

fn email(body: &[u8], sent_at: Timestamp) -> Option<Message> {
    let request: Value = serde_json::from_slice(body).ok()?;
    let simple = &request["Content"]["Simple"];
    let data = |part: &Value| part["Data"].as_str().map(str::to_owned);
    request["FromEmailAddress"]
        .as_str()
        .filter(|sender| sender.contains('@'))?;
    let [to] = request["Destination"]["ToAddresses"].as_array()?.as_slice() else {
        return None;
    };
    Some(Message {
        id: 0,
        channel: Channel::Email,
        to: to.as_str().filter(|to| to.contains('@'))?.to_owned(),
        subject: Some(data(&simple["Subject"])?),
        text: data(&simple["Body"]["Text"])?,
        html: data(&simple["Body"]["Html"]),
        sent_at,
    })
}

fn sms(body: &[u8], sent_at: Timestamp) -> Option<Message> {
    let members: BTreeMap<_, _> = form_urlencoded::parse(body).collect();
    members
        .get("Action")
        .filter(|action| *action == "Publish")?;
    let to = members
        .get("PhoneNumber")
        .filter(|to| to.starts_with('+'))?;
    let text = members.get("Message").filter(|text| !text.is_empty())?;
    Some(Message {
        id: 0,
        channel: Channel::Sms,
        to: to.to_string(),
        subject: None,
        text: text.to_string(),
        html: None,
        sent_at,
    })
}

fn wants_json(headers: &HeaderMap) -> bool {
    let accept = headers.get(ACCEPT).and_then(|accept| accept.to_str().ok());
    accept.is_some_and(|accept| accept.contains(JSON) && !accept.contains("text/html"))
}

/// The page at `/`.
pub(crate) fn home(routes: &[home::Route<'_>], headers: &HeaderMap) -> Response<Full<Bytes>> {
    html(PAGE_POLICY, home::page(routes, headers))
}

const CONSTANT: &str = "constant headers are valid ones";

fn builder(status: u16, content_type: &str) -> hyper::http::response::Builder {
    Response::builder()
        .status(status)
        .header("cache-control", "no-store")
        .header("content-type", content_type)
        .header("referrer-policy", "no-referrer")
        .header("x-content-type-options", "nosniff")
}

fn plain(status: u16, content_type: &str, body: impl ToString) -> Response<Full<Bytes>> {
    builder(status, content_type)
        .body(Full::from(body.to_string()))
        .expect(CONSTANT)
}

fn html(policy: &str, page: String) -> Response<Full<Bytes>> {
    builder(200, HTML)
        .header("content-security-policy", policy)
        .body(Full::from(page))
        .expect(CONSTANT)
}
