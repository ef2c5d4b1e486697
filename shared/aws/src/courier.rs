//! E-mail through Amazon SES v2, SMS through Amazon SNS.

use std::error::Error;
use std::time::Duration;

use aws_sdk_sesv2::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sesv2::types::{Body, Content, Destination, EmailContent, Message};
use aws_sdk_sns::types::MessageAttributeValue;
use aws_smithy_runtime_api::client::interceptors::context::InterceptorContext;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::retries::classifiers::{
    ClassifyRetry, RetryAction, RetryClassifierPriority,
};
use aws_smithy_types::timeout::TimeoutConfig;

use crate::{Cause, Settings};

const MAX_CONNECT: Duration = Duration::from_secs(1);
/// The time for all attempts at sending one message.
const MAX_SEND: Duration = Duration::from_secs(8);

/// Sends e-mails and SMS from one sender.
#[derive(Clone, Debug)]
pub struct Courier {
    ses: aws_sdk_sesv2::Client,
    sns: aws_sdk_sns::Client,
    sender: String,
    configuration_set: Option<String>,
}

/// An e-mail, rendered.
#[derive(Clone, Debug)]
pub struct Mail {
    /// The subject.
    pub subject: String,
    /// The part for readers of plain text.
    pub text: String,
    /// The part for all others.
    pub html: String,
}

/// Why something was not sent. No variant names the recipient.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// The service refuses this message, and would refuse it again.
    #[error("refused")]
    Refused(#[source] Cause),
    /// The service can't send it now, and hasn't.
    #[error("not available")]
    Unavailable(#[source] Cause),
    /// The service may have sent it, or not.
    #[error("no answer")]
    NoAnswer,
}

impl Courier {
    /// One client of each service. `sender` is the address that e-mails come from.
    ///
    /// A message whose request got no answer is not sent again here: the recipient could get it twice.
    /// Requests to the table are different, because they can be repeated.
    pub fn new(settings: &Settings, sender: String) -> Self {
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(MAX_CONNECT)
            .operation_timeout(MAX_SEND)
            .build();
        let config = crate::config(settings).into_builder();
        let config = config.timeout_config(timeouts).build();
        let ses = aws_sdk_sesv2::config::Builder::from(&config).retry_classifier(AnsweredOnly);
        let sns = aws_sdk_sns::config::Builder::from(&config).retry_classifier(AnsweredOnly);
        Self {
            ses: aws_sdk_sesv2::Client::from_conf(ses.build()),
            sns: aws_sdk_sns::Client::from_conf(sns.build()),
            sender,
            configuration_set: None,
        }
    }

    /// Sends e-mails with this SES configuration set.
    pub fn with_configuration_set(mut self, name: Option<String>) -> Self {
        self.configuration_set = name;
        self
    }

    /// Sends an e-mail to one address.
    pub async fn mail(&self, to: &str, mail: &Mail) -> Result<(), SendError> {
        let content = |text: &str| {
            let content = Content::builder().charset("UTF-8").data(text).build();
            content.map_err(|error| SendError::Refused(error.into()))
        };
        let body = Body::builder()
            .text(content(&mail.text)?)
            .html(content(&mail.html)?)
            .build();
        let message = Message::builder()
            .subject(content(&mail.subject)?)
            .body(body)
            .build();
        self.ses
            .send_email()
            .from_email_address(&self.sender)
            .set_configuration_set_name(self.configuration_set.clone())
            .destination(Destination::builder().to_addresses(to).build())
            .content(EmailContent::builder().simple(message).build())
            .send()
            .await
            .map(|_| ())
            .map_err(sort)
    }

    /// Sends an SMS to one number, in E.164. It is marked as no advertisement: without that, a setting
    /// of the AWS account would decide.
    pub async fn sms(&self, to: &str, text: &str) -> Result<(), SendError> {
        let transactional = MessageAttributeValue::builder()
            .data_type("String")
            .string_value("Transactional")
            .build()
            .map_err(|error| SendError::Refused(error.into()))?;
        self.sns
            .publish()
            .phone_number(to)
            .message(text)
            .message_attributes("AWS.SNS.SMS.SMSType", transactional)
            .send()
            .await
            .map(|_| ())
            .map_err(sort)
    }
}

/// Lets the SDK repeat a request only after an answer, such as that the service is too busy. Without an
/// answer it is not known whether the message was sent.
#[derive(Debug)]
struct AnsweredOnly;

impl ClassifyRetry for AnsweredOnly {
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        match context.output_or_error() {
            Some(Err(error)) if !error.is_operation_error() => RetryAction::RetryForbidden,
            _ => RetryAction::NoActionIndicated,
        }
    }

    fn name(&self) -> &'static str {
        "answered only"
    }

    fn priority(&self) -> RetryClassifierPriority {
        RetryClassifierPriority::run_after(RetryClassifierPriority::transient_error_classifier())
    }
}

/// Tells errors that may pass from those that won't.
fn sort<E>(error: SdkError<E, HttpResponse>) -> SendError
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    let answer = match error {
        SdkError::ServiceError(answer) => answer.into_err(),
        SdkError::ConstructionFailure(_) => return SendError::Unavailable(Cause::Unsendable),
        SdkError::DispatchFailure(ref fault) if !fault.is_io() && !fault.is_timeout() => {
            return SendError::Unavailable(Cause::NotReached(sdk::connector_error(error)));
        }
        _ => return SendError::NoAnswer,
    };
    let code = answer.code().unwrap_or("no code").to_owned();
    match code.as_str() {
        // These codes are about the recipient or the content, so a repeat can't help. All others are
        // about the account, the load or the network, and may pass.
        "MessageRejected"
        | "BadRequestException"
        | "InvalidParameter"
        | "InvalidParameterValue"
        | "ParameterValueInvalid"
        | "ValidationException"
        | "OptedOut"
        | "OptedOutException" => SendError::Refused(Cause::Answered(code)),
        _ => SendError::Unavailable(Cause::Answered(code)),
    }
}
