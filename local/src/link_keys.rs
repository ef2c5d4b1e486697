//! The keys of links on this machine. They are made here, as the commands of docs/operating.md make
//! those of a deployment.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use domain::link::Keys;
use domain::sample;
use roster_http::{Entropy, LinkKeys};

use crate::StartError;

/// The names of the parameters that hold the current and the previous key; local.env has them,
/// too.
pub const PARAMETERS: [&str; 2] = ["/roster/link-key/current", "/roster/link-key/previous"];

/// More bytes than two keys have.
const MAX_FILE_BYTES: u64 = 4096;

/// The current key and the previous one, in base64.
pub struct KeyPair {
    current: String,
    previous: String,
}

impl KeyPair {
    /// A new current key. The previous one is the samples' key, so that the samples' links are valid
    /// here.
    pub fn new(entropy: &Entropy) -> Self {
        Self {
            current: STANDARD.encode(entropy.bytes::<32>()),
            previous: sample::LINK_KEY.to_owned(),
        }
    }

    /// The keys in a file beside the data file, so that links live as long as the users that they are
    /// about. The first start makes new keys.
    pub fn beside(data: &Path, entropy: &Entropy) -> Result<Self, StartError> {
        let mut path = data.as_os_str().to_owned();
        path.push(".link-keys");
        let path = PathBuf::from(path);
        Self::kept(&path, entropy).map_err(|reason| StartError::LinkKeys {
            path: path.display().to_string(),
            reason,
        })
    }

    fn kept(path: &Path, entropy: &Entropy) -> Result<Self, String> {
        let mut options = OpenOptions::new();
        match options.write(true).create_new(true).mode(0o600).open(path) {
            Ok(mut file) => {
                let pair = Self::new(entropy);
                let text = format!("{}\n{}\n", pair.current, pair.previous);
                file.write_all(text.as_bytes())
                    .map_err(|error| error.to_string())?;
                return Ok(pair);
            }
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error.to_string()),
        }
        let mut bytes = Vec::new();
        File::open(path)
            .and_then(|file| file.take(MAX_FILE_BYTES).read_to_end(&mut bytes))
            .map_err(|error| error.to_string())?;
        Self::parse(&bytes).ok_or_else(|| "it needs two lines, a key in base64 on each".to_owned())
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let mut lines = std::str::from_utf8(bytes).ok()?.lines();
        let (current, previous) = (lines.next()?, lines.next()?);
        Keys::parse(current, Some(previous)).ok()?;
        lines.next().is_none().then(|| Self {
            current: current.to_owned(),
            previous: previous.to_owned(),
        })
    }

    /// The keys for the calls that sign and check links in this process.
    pub fn keys(&self) -> LinkKeys {
        let keys = Keys::parse(&self.current, Some(&self.previous));
        LinkKeys::fixed(keys.expect("what was made or read here is base64 of 32 bytes"))
    }

    /// The names and values of the parameters, as the Systems Manager returns them.
    pub(crate) fn parameters(&self) -> [(&'static str, &str); 2] {
        let [current, previous] = PARAMETERS;
        [(current, &self.current), (previous, &self.previous)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    /// The path of a data file in a folder for one test.
    fn data(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("roster-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        folder.join("data")
    }

    fn keep(data: &Path, seed: u64) -> Result<KeyPair, StartError> {
        KeyPair::beside(data, &Entropy::seeded(seed))
    }

    #[test]
    fn kept_keys_are_used_again_and_only_their_owner_can_read_them() {
        let data = data("kept");
        let first = keep(&data, 1).unwrap();
        let again = keep(&data, 2).unwrap();
        assert_eq!(first.parameters(), again.parameters());
        assert_ne!(first.current, first.previous);
        let file = std::fs::metadata(data.with_extension("link-keys")).unwrap();
        assert_eq!(file.permissions().mode() & 0o777, 0o600);
        std::fs::remove_dir_all(data.parent().unwrap()).unwrap();
    }

    #[test]
    fn a_file_without_valid_keys_is_refused_and_left_alone() {
        let data = data("refused");
        let path = data.with_extension("link-keys");
        let good = STANDARD.encode([1; 32]);
        let short = STANDARD.encode([1; 31]);
        for text in [
            String::new(),
            good.clone(),
            format!("{good}\n{short}\n"),
            format!("{good}\n{good}\n{good}\n"),
            format!("{good}\nnot base64\n"),
        ] {
            std::fs::write(&path, &text).unwrap();
            let refusal = keep(&data, 1).err().unwrap().to_string();
            assert!(
                refusal.contains("link-keys") && refusal.contains("two lines"),
                "{refusal}"
            );
            assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
        }
        std::fs::remove_file(&path).unwrap();
        std::fs::create_dir(&path).unwrap();
        assert!(keep(&data, 1).is_err());
        std::fs::remove_dir_all(data.parent().unwrap()).unwrap();
    }

    #[tokio::test]
    async fn the_keys_sign_and_check() {
        let pair = KeyPair::new(&Entropy::seeded(1));
        assert!(pair.keys().get().await.is_ok());
    }
}
