//! The regions of template.yaml that follow from the calls' facts.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::time::Duration;

use consumer::Consumer;
use roster_http::{Action, Endpoint, Index, Need, Partition, reason};

use super::region::{Marks, with_region};
use crate::calls::logical_id;

/// One of API Gateway's own answers, by its response type.
struct GatewayResponse {
    /// Why the answer is as it is, where that is not obvious.
    comment: &'static str,
    response_type: &'static str,
    status: u16,
    detail: &'static str,
    /// Seconds.
    retry_after: Option<u32>,
}

const fn response(
    response_type: &'static str,
    status: u16,
    detail: &'static str,
) -> GatewayResponse {
    GatewayResponse {
        comment: "",
        response_type,
        status,
        detail,
        retry_after: None,
    }
}

impl GatewayResponse {
    const fn after(mut self, seconds: u32) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    const fn because(mut self, comment: &'static str) -> Self {
        self.comment = comment;
        self
    }
}

const FAILED: &str = "The service failed.";
const MALFORMED: &str = "The request is malformed.";
const NO_ROUTE: &str = "There is no such route or method.";
const NO_KEY: &str = "The request needs a valid API key in the header X-API-KEY.";
const NOT_NOW: &str = "The service can't answer just now; try again later.";

/// All response types that API Gateway documents.
const GATEWAY_RESPONSES: [GatewayResponse; 21] = [
    response("ACCESS_DENIED", 403, "This caller may not use the API."),
    response("API_CONFIGURATION_ERROR", 500, FAILED),
    response("AUTHORIZER_CONFIGURATION_ERROR", 500, FAILED),
    response("AUTHORIZER_FAILURE", 500, FAILED),
    response("BAD_REQUEST_BODY", 400, MALFORMED),
    response("BAD_REQUEST_PARAMETERS", 400, MALFORMED),
    response("EXPIRED_TOKEN", 404, NO_ROUTE).because(
        "What an unknown route is called when the request has a header Authorization: this type and\n\
         INVALID_SIGNATURE.",
    ),
    response("INTEGRATION_FAILURE", 503, NOT_NOW).after(1).because(
        "A function that failed, took too long, or that Lambda has no concurrency for.",
    ),
    response("INTEGRATION_TIMEOUT", 503, NOT_NOW).after(1),
    response("INVALID_API_KEY", 401, NO_KEY),
    response("INVALID_SIGNATURE", 404, NO_ROUTE),
    response("MISSING_AUTHENTICATION_TOKEN", 404, NO_ROUTE)
        .because("What API Gateway calls a route or method that it does not have."),
    response("QUOTA_EXCEEDED", 429, "The API key's quota is used up; try again later.").after(3600),
    response("REQUEST_TOO_LARGE", 413, "The body is larger than any call takes."),
    response("RESOURCE_NOT_FOUND", 404, NO_ROUTE),
    response("THROTTLED", 429, "There are too many requests; try again later.").after(1),
    response("UNAUTHORIZED", 401, NO_KEY),
    response(
        "UNSUPPORTED_MEDIA_TYPE",
        415,
        "The body is of a media type that is not supported.",
    ),
    response("WAF_FILTERED", 403, "This request may not pass."),
    response("DEFAULT_4XX", 400, MALFORMED).because(
        "What has no type of its own. Their statuses are those of every type that is not named, so all\n\
         that API Gateway documents are.",
    ),
    response("DEFAULT_5XX", 500, FAILED),
];

/// The ARN of the table: the stack's own, or the one that `ExistingTableStream` names.
const TABLE_ARN: &str =
    "!If [MakesTable, !GetAtt Table.Arn, !Select [0, !Split [/stream/, !Ref ExistingTableStream]]]";
/// The ARN of its stream.
const STREAM_ARN: &str = "!If [MakesTable, !GetAtt Table.StreamArn, !Ref ExistingTableStream]";

/// The template with new regions; the name of a region if the template lacks it.
pub(super) fn template(
    present: &str,
    endpoints: &[&Endpoint],
    consumers: &[&Consumer],
) -> Result<String, &'static str> {
    let functions: String = endpoints
        .iter()
        .map(|endpoint| function(endpoint))
        .collect();
    let workers: String = consumers.iter().map(|consumer| worker(consumer)).collect();
    let regions = [
        ("throttles", throttles(endpoints)),
        ("gateway responses", gateway_responses()),
        ("functions", functions),
        ("consumers", workers),
    ];
    let mut text = present.to_owned();
    for (name, region) in regions {
        let marks = Marks {
            start: format!("# <{name}>"),
            end: format!("# </{name}>"),
        };
        text = with_region(&text, &marks, &region).ok_or(name)?;
    }
    Ok(text)
}

/// A stricter throttle for each route that people use without an API key.
fn throttles(endpoints: &[&Endpoint]) -> String {
    let mut text = String::new();
    for endpoint in endpoints
        .iter()
        .filter(|endpoint| !endpoint.access.needs_key())
    {
        for (method, path) in endpoint.routes {
            let path = path.replace('/', "~1");
            let _ = write!(
                text,
                r#"        - ResourcePath: /{path}
          HttpMethod: {method}
          LoggingLevel: "OFF"
          DataTraceEnabled: false
          MetricsEnabled: false
          ThrottlingRateLimit: !Ref SelfServiceRateLimit
          ThrottlingBurstLimit: !Ref SelfServiceBurstLimit
"#,
            );
        }
    }
    text
}

fn gateway_responses() -> String {
    let mut text = String::new();
    for response in GATEWAY_RESPONSES {
        let GatewayResponse {
            comment,
            response_type,
            status,
            detail,
            retry_after,
        } = response;
        for line in comment.lines() {
            let _ = writeln!(text, "        # {line}");
        }
        let title = reason(status);
        let retry_after = retry_after
            .map(|seconds| format!("              Retry-After: \"'{seconds}'\"\n"))
            .unwrap_or_default();
        let _ = write!(
            text,
            r#"        {response_type}:
          StatusCode: {status}
          ResponseParameters:
            Headers:
              Cache-Control: "'no-store'"
              Content-Type: "'application/problem+json'"
{retry_after}              Strict-Transport-Security: "'max-age=63072000'"
              X-Content-Type-Options: "'nosniff'"
          ResponseTemplates:
            application/json: >-
              {{"type":"https://httpstatuses.io/{status}","title":"{title}","status":{status},
              "detail":"{detail}",
              "trace_id":"$context.requestId","traceId":"$context.requestId"}}
"#,
        );
    }
    text
}

/// A call's function and its role.
fn function(endpoint: &Endpoint) -> String {
    let id = logical_id(endpoint.name);
    let mut text = head(endpoint.name, &id, endpoint.needs, endpoint.time());
    text.push_str(&environment(endpoint.needs));
    text.push_str("      Events:\n");
    for (number, (method, path)) in endpoint.routes.iter().enumerate() {
        let event = match endpoint.routes.len() {
            1 => "Route".to_owned(),
            _ => format!("Route{}", number + 1),
        };
        let _ = write!(
            text,
            "        {event}:
          Type: Api
          Properties:
            RestApiId: !Ref Api
            Method: {method}
            Path: {path}
"
        );
        if !endpoint.access.needs_key() {
            text.push_str("            Auth:\n              ApiKeyRequired: false\n");
        }
    }
    let mut statements = table(&endpoint.role_actions(), &endpoint.role_partitions());
    statements.push_str(&indexes(endpoint.indexes));
    statements.push_str(&permissions(endpoint.needs));
    text + &role(endpoint.name, &id, &statements)
}

/// A consumer's function and its role.
fn worker(consumer: &Consumer) -> String {
    let id = logical_id(consumer.name);
    let mut text = head(consumer.name, &id, consumer.needs, Consumer::TIMEOUT);
    let _ = writeln!(
        text,
        "      # Leases on notifications, and readers of the log, rely on it.\n      Timeout: {}",
        Consumer::TIMEOUT.as_secs()
    );
    text.push_str(&environment(consumer.needs));
    let _ = write!(
        text,
        r"      Events:
        Stream:
          Type: DynamoDB
          Properties:
            Stream: {STREAM_ARN}
            StartingPosition: TRIM_HORIZON
            BatchSize: {}
            # Lambda keeps the order of one item's records.
            ParallelizationFactor: 10
            FilterCriteria:
              Filters:
",
        consumer.batch_size
    );
    for pattern in consumer.patterns() {
        let _ = writeln!(text, "                - Pattern: '{pattern}'");
    }
    text.push_str(
        "            FunctionResponseTypes: [ReportBatchItemFailures]
            BisectBatchOnFunctionError: true
",
    );
    match consumer.dead_letters {
        Some(queue) => {
            let _ = write!(
                text,
                "            # By age alone: any number of retries can pass while a dead function's lease lasts.
            MaximumRecordAgeInSeconds: 3600
            DestinationConfig:
              OnFailure:
                Type: SQS
                Destination: !GetAtt {queue}.Arn
"
            );
        }
        // Records are given up when the stream forgets them, after a day.
        None => text.push_str(
            "            MaximumRetryAttempts: -1
            MaximumRecordAgeInSeconds: -1
",
        ),
    }
    let actions = consumer.actions.iter().copied().collect();
    let partitions = consumer.partitions.iter().copied().collect();
    let mut statements = table(&actions, &partitions);
    let _ = write!(
        statements,
        r#"              - Effect: Allow
                Action:
                  - dynamodb:DescribeStream
                  - dynamodb:GetRecords
                  - dynamodb:GetShardIterator
                Resource: {STREAM_ARN}
              # IAM knows this action by all resources alone.
              - Effect: Allow
                Action: dynamodb:ListStreams
                Resource: "*"
"#
    );
    if let Some(queue) = consumer.dead_letters {
        let _ = write!(
            statements,
            "              - Effect: Allow
                Action: sqs:SendMessage
                Resource: !GetAtt {queue}.Arn
"
        );
    }
    statements.push_str(&permissions(consumer.needs));
    text + &role(consumer.name, &id, &statements)
}

fn head(name: &str, id: &str, needs: &[Need], time: Duration) -> String {
    let mut text = format!(
        "
  {id}:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: target/lambda/{name}/
      Role: !GetAtt {id}Role.Arn
"
    );
    if needs.contains(&Need::ReservedConcurrency) {
        let _ = write!(
            text,
            "      ReservedConcurrentExecutions: !If
        - ReservesFor{id}
        - !Ref {id}ReservedConcurrency
        - !Ref AWS::NoValue
"
        );
    }
    if needs.contains(&Need::Bulk) {
        let _ = write!(
            text,
            "      # Works on many users in one request: a whole core, and nearly the 29 s of API Gateway.
      MemorySize: 1769
      Timeout: {}
",
            time.as_secs()
        );
    }
    if needs.contains(&Need::Hashing) {
        text.push_str(
            "      # Hashes or verifies passwords: argon2id wants a whole core.
      MemorySize: 1769
",
        );
    }
    text
}

/// The environment variables that a function's needs add.
fn environment(needs: &[Need]) -> String {
    let mut variables = String::new();
    for need in needs {
        variables.push_str(match need {
            Need::LinkKeys => {
                "          LINK_KEY_PARAMETER: !Ref LinkKeyParameter
          PREVIOUS_LINK_KEY_PARAMETER: !Ref PreviousLinkKeyParameter
          LINK_KEY_ROTATION: !Ref LinkKeyRotation
"
            }
            Need::Mail => {
                "          NO_REPLY_EMAIL: !Ref NoReplyEmail
          SES_CONFIGURATION_SET: !Ref SesConfigurationSet
"
            }
            Need::Bulk | Need::Hashing | Need::ReservedConcurrency => "",
        });
    }
    if variables.is_empty() {
        return variables;
    }
    format!("      Environment:\n        Variables:\n{variables}")
}

/// What a role may do to which partitions of the table.
///
/// All actions are allowed for all partitions: AWS doesn't document whether the parts of a transaction
/// are checked one by one.
fn table(actions: &BTreeSet<Action>, partitions: &BTreeSet<Partition>) -> String {
    let mut text = String::from("              - Effect: Allow\n                Action:\n");
    for action in actions {
        let _ = writeln!(text, "                  - {}", action.iam_name());
    }
    let keys: Vec<_> = partitions
        .iter()
        .map(|partition| format!("\"{}*\"", partition.prefix()))
        .collect();
    let _ = write!(
        text,
        "                Resource: {TABLE_ARN}
                Condition:
                  ForAllValues:StringLike:
                    dynamodb:LeadingKeys: [{}]
",
        keys.join(", ")
    );
    text
}

/// The indexes that a role may query.
fn indexes(indexes: &[Index]) -> String {
    if indexes.is_empty() {
        return String::new();
    }
    let mut text = String::from(
        "              - Effect: Allow
                Action: dynamodb:Query
                Resource:
",
    );
    for index in indexes {
        let name = index.name();
        let _ = write!(
            text,
            "                  - !Sub
                    - ${{Arn}}/index/{name}
                    - Arn: {TABLE_ARN}
"
        );
    }
    text
}

/// The permissions that a function's needs add to its role.
fn permissions(needs: &[Need]) -> String {
    needs
        .iter()
        .map(|need| match need {
            Need::LinkKeys => LINK_KEY_PERMISSIONS,
            Need::Mail => MAIL_PERMISSIONS,
            Need::Bulk | Need::Hashing | Need::ReservedConcurrency => "",
        })
        .collect()
}

const LINK_KEY_PERMISSIONS: &str = r"              - Effect: Allow
                Action: ssm:GetParameters
                Resource:
                  - !Sub arn:${AWS::Partition}:ssm:${AWS::Region}:${AWS::AccountId}:parameter${LinkKeyParameter}
                  - !Sub arn:${AWS::Partition}:ssm:${AWS::Region}:${AWS::AccountId}:parameter${PreviousLinkKeyParameter}
              - !If
                - HasLinkKeyKmsKey
                - Effect: Allow
                  Action: kms:Decrypt
                  Resource: !Ref LinkKeyKmsKeyArn
                  Condition:
                    StringEquals:
                      kms:EncryptionContext:PARAMETER_ARN:
                        - !Sub arn:${AWS::Partition}:ssm:${AWS::Region}:${AWS::AccountId}:parameter${LinkKeyParameter}
                        - !Sub arn:${AWS::Partition}:ssm:${AWS::Region}:${AWS::AccountId}:parameter${PreviousLinkKeyParameter}
                - !Ref AWS::NoValue
";

const MAIL_PERMISSIONS: &str = r"              - Effect: Allow
                Action: ses:SendEmail
                Resource:
                  - !Sub arn:${AWS::Partition}:ses:${AWS::Region}:${AWS::AccountId}:identity/*
                  - !If
                    - HasSesConfigurationSet
                    - !Sub arn:${AWS::Partition}:ses:${AWS::Region}:${AWS::AccountId}:configuration-set/${SesConfigurationSet}
                    - !Ref AWS::NoValue
                Condition:
                  StringEquals:
                    ses:FromAddress: !Ref NoReplyEmail
              # An SMS has no resource that a policy could name; a topic has, and is not for it.
              - Effect: Allow
                Action: sns:Publish
                NotResource: !Sub arn:${AWS::Partition}:sns:*:*:*
";

fn role(name: &str, id: &str, statements: &str) -> String {
    format!(
        r#"  {id}Role:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument:
        Version: "2012-10-17"
        Statement:
          - Effect: Allow
            Principal: {{ Service: lambda.amazonaws.com }}
            Action: sts:AssumeRole
      Policies:
        - PolicyName: {name}
          PolicyDocument:
            Version: "2012-10-17"
            Statement:
{statements}              - Effect: Allow
                Action: [logs:CreateLogStream, logs:PutLogEvents]
                Resource: !GetAtt FunctionLog.Arn
"#
    )
}
