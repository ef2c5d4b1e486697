//! Firebase's own way to hash with scrypt: the hash is the project's signer key, encrypted with what
//! scrypt makes of the password.
//!
//! It is spelled as Supabase spells it: `$fbscrypt$v=1,n=14,r=8,p=1,ss=…,sk=…$salt$hash`, with the salt
//! separator, the signer key, the salt and the hash in base64. `n` is Firebase's `mem_cost`, and `r` its
//! `rounds`.

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use subtle::ConstantTimeEq as _;

/// Projects print the padding, and some tools that make these texts leave it out.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A hash that Firebase has made.
pub(super) struct Firebase {
    params: scrypt::Params,
    /// The user's salt and the project's salt separator.
    salt: Vec<u8>,
    signer_key: Vec<u8>,
    /// The signer key as it is encrypted.
    output: Vec<u8>,
}

impl Firebase {
    /// What no other form starts with.
    pub(super) const START: &'static str = "$fbscrypt$";
    /// Firebase's own parameters, which no project can raise: 16 MiB.
    const MAX_MEM_COST: u8 = 14;
    const MAX_ROUNDS: u8 = 8;
    /// A shorter one would be the encryption of many a password's key.
    const MIN_SIGNER_KEY: usize = 16;
    const MAX_BYTES: usize = 64;

    /// Reads it. Parameters that Firebase does not use are refused, so a sign-in stays cheap.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut parts = text.strip_prefix(Self::START)?.split('$');
        let params = parts.next()?;
        let (mut salt, output) = (bytes(parts.next()?)?, bytes(parts.next()?)?);
        let mut params = params.split(',');
        let mut value = |name| params.next()?.strip_prefix(name)?.strip_prefix('=');
        let (version, n, r, p) = (value("v")?, value("n")?, value("r")?, value("p")?);
        let (separator, signer_key) = (bytes(value("ss")?)?, bytes(value("sk")?)?);
        salt.extend(separator);
        let n = number(n, Self::MAX_MEM_COST)?;
        let r = number(r, Self::MAX_ROUNDS)?;
        let is_whole = params.next().is_none() && parts.next().is_none();
        let is_known = (version, p) == ("1", "1")
            && signer_key.len() >= Self::MIN_SIGNER_KEY
            && signer_key.len() == output.len();
        (is_whole && is_known).then_some(Self {
            params: scrypt::Params::new(n, r.into(), 1).ok()?,
            salt,
            signer_key,
            output,
        })
    }

    /// Whether it is the hash of this password.
    pub(super) fn is_of(&self, password: &[u8]) -> bool {
        let mut key = [0; 32];
        if scrypt::scrypt(password, &self.salt, &self.params, &mut key).is_err() {
            return false;
        }
        let mut encrypted = self.signer_key.clone();
        hashing::aes_256_ctr(&key, &mut encrypted);
        encrypted.ct_eq(&self.output).into()
    }
}

fn bytes(text: &str) -> Option<Vec<u8>> {
    let bytes = BASE64.decode(text).ok()?;
    (bytes.len() <= Firebase::MAX_BYTES).then_some(bytes)
}

fn number(text: &str, max: u8) -> Option<u8> {
    let is_plain = text.bytes().all(|b| b.is_ascii_digit());
    let number = text.parse().ok().filter(|_| is_plain)?;
    (1..=max).contains(&number).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of Firebase's own scrypt utility.
    const EXAMPLE: &str = "$fbscrypt$v=1,n=14,r=8,p=1,ss=Bw==,\
        sk=jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA==$\
        42xEC+ixf3L2lw==$\
        lSrfV15cpx95/sZS2W9c9Kp6i/LVgQNDNC/qzrCnh1SAyZvqmZqAjTdn3aoItz+VHjoZilo78198JAdRuid5lQ==";

    #[test]
    fn firebases_own_example_is_of_its_password() {
        let example = Firebase::parse(EXAMPLE).unwrap();
        assert!(example.is_of(b"user1password"));
        assert!(!example.is_of(b"user1Password"));
        let bare = Firebase::parse(&EXAMPLE.replace("==", "")).unwrap();
        assert!(bare.is_of(b"user1password"));
    }

    #[test]
    fn other_parameters_and_other_forms_are_refused() {
        for (part, other) in [
            ("v=1", "v=2"),
            ("n=14", "n=15"),
            ("n=14", "n=0"),
            ("n=14", "n=+4"),
            ("n=14", "n=14,n=14"),
            ("r=8", "r=9"),
            ("r=8", "r=256"),
            ("p=1", "p=2"),
            ("ss=Bw==,", ""),
            ("ss=Bw==", "ss=*"),
            ("sk=jxspr8Ki", "sk="),
            ("sk=jxspr8Ki", "sk=jxspr8KiAAAA"),
            ("XA==$", "XA==,x=1$"),
            ("$42xEC+ixf3L2lw==", ""),
            ("5lQ==", "5lQ==$"),
        ] {
            let text = EXAMPLE.replacen(part, other, 1);
            assert_ne!(text, EXAMPLE, "{part}");
            assert!(Firebase::parse(&text).is_none(), "{text}");
        }
        let short = "$fbscrypt$v=1,n=4,r=8,p=1,ss=Bw==,sk=AA==$AA==$AA==";
        assert!(Firebase::parse(short).is_none());
    }
}
