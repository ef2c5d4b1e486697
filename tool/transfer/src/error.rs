//! Why a transfer ended early, in words that say what to do.

use std::io;
use std::path::{Path, PathBuf};

/// Why a transfer ended early: one line for a person.
#[derive(Debug, thiserror::Error)]
pub enum TransferError {
    /// `--url` is no URL that this program can use.
    #[error("--url {url}: {reason}")]
    BadUrl {
        /// The URL.
        url: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The API key can't be sent.
    #[error(
        "the API key is empty or has characters that no key has: check --key or ROSTER_API_KEY"
    )]
    BadKey,
    /// This machine's certificates can't be read.
    #[error(
        "can't read this machine's certificate authorities: {0}; SSL_CERT_FILE may name a file of them"
    )]
    NoAuthorities(String),
    /// Nothing answers at `--url`.
    #[error("can't reach {url}: {reason}; check --url, and that the service runs")]
    Unreachable {
        /// The URL.
        url: String,
        /// Why.
        reason: String,
    },
    /// The certificate of the service is not trusted.
    #[error("{url} is not trusted: {reason}; SSL_CERT_FILE may name a file with its authority")]
    NotTrusted {
        /// The URL.
        url: String,
        /// Why.
        reason: String,
    },
    /// 401.
    #[error("the API key is not valid at {0} (401): check --key or ROSTER_API_KEY, and --url")]
    UnknownKey(String),
    /// 403.
    #[error(
        "the API key may not do this at {0}, or your address may not (403): use an administrator's key"
    )]
    Forbidden(String),
    /// 404 for the call itself.
    #[error(
        "{0} has no such call (404): --url needs the API's stage, and the service this version or a newer one"
    )]
    NoSuchCall(String),
    /// Another status that a repeat would not change.
    #[error("{url} refuses the request: {status} {detail}")]
    Refused {
        /// The URL.
        url: String,
        /// The status.
        status: u16,
        /// What it says.
        detail: String,
    },
    /// An answer that is not Roster's.
    #[error("what answers at {url} is not Roster: {reason}; check --url")]
    NotRoster {
        /// The URL.
        url: String,
        /// What is wrong with the answer.
        reason: &'static str,
    },
    /// Many attempts at the same request failed.
    #[error("gave up after {attempts} attempts in a row: {last}; run the same command again later")]
    GaveUp {
        /// How many.
        attempts: u32,
        /// What the last one met.
        last: String,
    },
    /// A file can't be read or written.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: String,
        /// The system's error.
        source: io::Error,
    },
    /// The file is no JSON array, and begins like one.
    #[error("{path}: the array is not JSON from byte {offset} on")]
    BrokenArray {
        /// The file.
        path: String,
        /// Where that was found.
        offset: u64,
    },
    /// The file is an object without a list of users.
    #[error(
        "{path}: it has no list `{member}`; is --from the product, and this the file that has the users?"
    )]
    NoUsers {
        /// The file.
        path: String,
        /// What the list is called.
        member: &'static str,
    },
    /// The file is a table whose first row doesn't name its columns.
    #[error(
        "{path}: the first row names no column `id`; is --from the product, and the first row there?"
    )]
    NoColumns {
        /// The file.
        path: String,
    },
    /// The file has a password hash of Firebase's, and the key of these is not given.
    #[error(
        "{path}: user {user} has a password hash, which can't be read without the project's key: give \
         --firebase-signer-key"
    )]
    NoSignerKey {
        /// The file.
        path: String,
        /// Which user it is, from one.
        user: u64,
    },
    /// Another process imports the same file.
    #[error("{0}: another import of this file is running")]
    Busy(String),
    /// The file is not the one that the journal tells of.
    #[error(
        "{input} has changed since {journal} was written: remove that file to import from the beginning"
    )]
    OtherInput {
        /// The file.
        input: String,
        /// Its journal.
        journal: String,
    },
    /// The journal tells of an import that read the file in another form.
    #[error(
        "{journal} is of an import with another --from or other values with it: use the same, or remove the file \
         to import from the beginning"
    )]
    OtherForm {
        /// The journal.
        journal: String,
    },
    /// The journal tells of an import into another service.
    #[error(
        "{journal} is of an import into {url}: use that --url, or remove the file to import from the beginning"
    )]
    OtherTarget {
        /// The journal.
        journal: String,
        /// Where that import went.
        url: String,
    },
    /// The journal tells of an import whose refused lines are in another file.
    #[error(
        "{journal} is of an import whose refused lines are in {refused}: use that --refused, or remove the file \
         {journal} to import from the beginning"
    )]
    OtherRefused {
        /// The journal.
        journal: String,
        /// Where that import's refused lines are.
        refused: String,
    },
    /// The file of refused lines has less than the journal tells of.
    #[error(
        "{refused} has not all refused lines that {journal} tells of: bring it back, or remove {journal} to import \
         from the beginning"
    )]
    RefusedLinesLost {
        /// The file.
        refused: String,
        /// The journal.
        journal: String,
    },
    /// `--refused` names the input.
    #[error("--refused {0}: this is the file that is imported, or its journal: name another file")]
    RefusedIsInput(String),
    /// `--refused` names a file that no import has written.
    #[error(
        "--refused {0}: what is there is no file of refused lines: name another file, or remove it"
    )]
    NotRefusedLines(String),
    /// An import by the API has begun and not ended.
    #[error(
        "{0} tells of an import of this file that is not at its end: run that one to its end, or remove {0}"
    )]
    Unfinished(String),
    /// The journal can't be read.
    #[error("{0} is no journal of this version: remove the file to import from the beginning")]
    BadJournal(String),
}

impl TransferError {
    /// A fault of a file.
    pub(crate) fn file(path: &Path, source: io::Error) -> Self {
        let path = path.display().to_string();
        Self::File { path, source }
    }
}

/// The path with `extension` behind its whole name: `users.ndjson.progress`.
pub(crate) fn beside(path: &Path, extension: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(extension);
    PathBuf::from(name)
}
