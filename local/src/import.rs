//! `cargo run -- import`: users of a file, into a directory that runs or into the files of a new table.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use local::StartError;
use local::template::Template;
use maintenance::{ItemFolder, MaintenanceError, write_items};
use roster_http::Clock;
use transfer::{Ended, Input, OptionalTarget};

use crate::tool::exit_code;

/// Import users: lines of JSON (NDJSON), an array of objects, or the export of another product (--from).
///
/// With --url: a user is created or, where the same line was imported before, left as it is. So an import
/// can be repeated: FILE.progress says how far it is, and the same command goes on there.
///
/// With --to-dynamodb-json: the users become the items of a new table, in files for DynamoDB's import from
/// S3. That serves ten million users and more; no service takes part.
///
/// Lines that are refused go to FILE.refused.ndjson with the reason. A line may hold a password's hash:
/// that file is readable by you alone; remove it when it is no longer needed. The exit code is 1 if
/// there is one.
#[derive(Args)]
#[group(id = "destination", required = true, multiple = false, args = ["url", "to_dynamodb_json"])]
pub(crate) struct Import {
    #[command(flatten)]
    input: Input,
    #[command(flatten)]
    api: OptionalTarget,
    /// Write the items of a new table into this folder, which must be empty or absent.
    #[arg(long, value_name = "DIR")]
    to_dynamodb_json: Option<PathBuf>,
    /// The name that the new table gets.
    #[arg(
        long,
        value_name = "NAME",
        default_value = "roster-imported",
        value_parser = table_name,
        conflicts_with = "url"
    )]
    table_name: String,
    /// The file for lines that are refused, instead of FILE.refused.ndjson. What is there is replaced if it is
    /// such a file or empty; another file is left, and the import ends.
    #[arg(long, value_name = "PATH")]
    refused: Option<PathBuf>,
}

impl Import {
    /// Imports the users to where the arguments say. The template describes the table that is made.
    pub(crate) async fn run(
        self,
        template: impl FnOnce() -> Result<Template, StartError>,
    ) -> ExitCode {
        let Self {
            input,
            api,
            to_dynamodb_json,
            table_name,
            refused,
        } = self;
        if let Some(path) = to_dynamodb_json {
            return match template() {
                Ok(template) => exit_code(to_files(&input, refused, path, &table_name, &template)),
                Err(error) => exit_code(Err(error)),
            };
        }
        let api = api.target().expect("clap asks for one of both");
        exit_code(transfer::import(input, &api, refused).await)
    }
}

fn to_files(
    input: &Input,
    refused: Option<PathBuf>,
    path: PathBuf,
    table_name: &str,
    template: &Template,
) -> Result<Ended, MaintenanceError> {
    let folder = ItemFolder::new(path)?;
    let table = template.table.creation_parameters(table_name);
    let kept_for = template.account_settings()?.events_kept_for.0;
    let ended = write_items(input, refused, &folder, &table, kept_for, Clock::System)?;
    let items = quoted(&folder.items().display().to_string());
    let table = quoted(&format!("file://{}", folder.table().display()));
    let time_to_live = &template.table.time_to_live;
    let stream = &template.table.stream_view;
    println!(
        r#"
Next, in a private bucket of yours (docs/operating.md, "Ten million users"):

  aws s3 cp --recursive {items} s3://<bucket>/items/
  aws dynamodb import-table --input-format DYNAMODB_JSON --input-compression-type GZIP \
    --s3-bucket-source S3Bucket=<bucket>,S3KeyPrefix=items/ \
    --table-creation-parameters {table}

When `aws dynamodb describe-import` says COMPLETED, and names as many items without an error, check the table
before anything else writes to it:

  cargo run -- check --table {table_name} --apart 0 --no-writers

When that names nothing:

  aws dynamodb update-table --table-name {table_name} \
    --stream-specification StreamEnabled=true,StreamViewType={stream}
  aws dynamodb wait table-exists --table-name {table_name}
  aws dynamodb update-table --table-name {table_name} --deletion-protection-enabled
  aws dynamodb wait table-exists --table-name {table_name}
  aws dynamodb update-time-to-live --table-name {table_name} \
    --time-to-live-specification Enabled=true,AttributeName={time_to_live}
  aws dynamodb update-continuous-backups --table-name {table_name} \
    --point-in-time-recovery-specification PointInTimeRecoveryEnabled=true
  sam deploy --parameter-overrides ExistingTableStream=$(aws dynamodb describe-table \
    --table-name {table_name} --query Table.LatestStreamArn --output text)

Then remove the folder and the bucket's objects: they may hold password hashes."#
    );
    Ok(ended)
}

/// A name that DynamoDB would refuse is refused before all users are read (Developer Guide, "Naming rules").
/// It goes into the commands that are printed, without quotes.
fn table_name(argument: &str) -> Result<String, &'static str> {
    let is_fit = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
    if (3..=255).contains(&argument.len()) && argument.bytes().all(is_fit) {
        Ok(argument.to_owned())
    } else {
        Err("needs 3 to 255 characters, each of them A-Z, a-z, 0-9, `_`, `-` or `.`")
    }
}

/// A text as one word of a shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_has_a_name_that_dynamodb_takes() {
        for fit in ["abc", "A.b_c-9", &"a".repeat(255)] {
            assert_eq!(table_name(fit).as_deref(), Ok(fit));
        }
        for unfit in ["", "ab", "a b", "a;b", "tablé", &"a".repeat(256)] {
            assert!(table_name(unfit).is_err(), "{unfit}");
        }
    }
}
