//! Verifying a typed password, in a time that doesn't tell whether the user has one.

use std::hint::black_box;

use secrecy::{ExposeSecret as _, SecretString};

use super::hash::Form;
use super::{PasswordHash, argon2id, form};

/// The result of a typed password against a stored hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verified {
    /// The hash is this password's.
    pub is_right: bool,
    /// The hash was made elsewhere, with other parameters, or of the password in another form than the
    /// directory's: once the password is right, replace it ([`PasswordHash::of_verified`]). Never true
    /// where more was typed than the hash covers.
    pub is_outdated: bool,
}

/// How much of a password bcrypt looks at.
const BCRYPT_BYTES: usize = 72;

/// Verifies a typed password against the stored hash, if there is one.
///
/// With any stored hash, and with none, argon2id runs with the directory's own parameters: once, or
/// twice where the text typed differs from the password's form. So a missing user costs the same time
/// as a wrong password. Only a hash that was made elsewhere costs runs of its own in addition, until it
/// is replaced.
///
/// Such a hash can fit texts that are not its password. They are refused: else a person who types one
/// would choose the hash that replaces it. One case can't be recognised: HMAC, and so scrypt and
/// pbkdf2, accepts the digest of a password that is longer than its block in place of that password. A
/// digest is valid text only by a rare chance.
pub fn verify(typed: &SecretString, stored: Option<&PasswordHash>) -> Verified {
    let typed = typed.expose_secret();
    let formed = form(typed);
    let formed = formed.as_ref();
    let other = (typed != formed).then_some(typed);
    let hash = stored.and_then(|stored| Form::parse(stored.expose()));
    let salt = match hash {
        Some(Form::Own { salt, .. }) => salt,
        _ => [0; argon2id::SALT_LENGTH],
    };
    // The compiler must not skip the runs whose result is not compared. An `Output` compares itself in
    // constant time.
    let run_own = |password: &str| black_box(argon2id::run_own(password.as_bytes(), &salt)).hash;
    let (own, own_as_typed) = (run_own(formed), other.map(run_own));
    let right = |is_outdated| Verified {
        is_right: true,
        is_outdated,
    };
    match &hash {
        Some(Form::Own { output, .. }) if own.as_ref() == Some(output) => right(false),
        Some(Form::Own { output, .. }) if own_as_typed.flatten().as_ref() == Some(output) => {
            right(true)
        }
        Some(Form::Own { .. }) | None => WRONG,
        Some(imported) => {
            let mut candidates = [Some(typed), other.and(Some(formed))].into_iter().flatten();
            match candidates.find(|password| is_of(password, imported)) {
                Some(password) => right(is_covered(password, imported)),
                None => WRONG,
            }
        }
    }
}

const WRONG: Verified = Verified {
    is_right: false,
    is_outdated: false,
};

/// Whether a hash that was made elsewhere is the hash of this password.
fn is_of(password: &str, hash: &Form<'_>) -> bool {
    let has_nul = password.contains('\0');
    let password = password.as_bytes();
    match hash {
        Form::Own { .. } => false,
        Form::Bcrypt(text) => !has_nul && bcrypt::verify(password, text).unwrap_or(false),
        Form::Firebase(hash) => !has_nul && hash.is_of(password),
        Form::Phc {
            function,
            salt,
            output,
        } => {
            (!has_nul || function.knows_nul())
                && function.run(password, salt, output.len()).as_ref() == Some(output)
        }
    }
}

/// Whether the hash covers the whole password. bcrypt ignores what comes after 72 bytes: that part was
/// not verified, and must not become part of the password. A password that fills the 72 bytes may also
/// be only the start of a longer one, and its owner must not be left with the start alone.
fn is_covered(password: &str, hash: &Form<'_>) -> bool {
    !matches!(hash, Form::Bcrypt(_)) || password.len() < BCRYPT_BYTES
}

#[cfg(test)]
mod tests {
    use password_hash::phc::{Output, Salt};

    use super::*;
    use crate::password::argon2id::RUNS;
    use crate::password::{OwnNames, Password, Policy};

    const PASSWORD: &str = "pässwörd";
    const OWN: &str = "$argon2id$v=19$m=19456,t=2,p=1$AAECAwQFBgcICQoLDA0ODw$\
                       eCrffB233dgiuXE1iutaiZP35cfD78wj+xWofmbux/s";
    const RIGHT: Verified = Verified {
        is_right: true,
        is_outdated: false,
    };
    const RIGHT_BUT_OUTDATED: Verified = Verified {
        is_right: true,
        is_outdated: true,
    };

    fn verified(typed: &str, stored: &str) -> Verified {
        verify(
            &typed.into(),
            Some(&PasswordHash::restore(stored.to_owned())),
        )
    }

    /// The hashes are of [`PASSWORD`] and were made by other software.
    fn assert_verifies(hashes: &[&str]) {
        for hash in hashes {
            assert!(PasswordHash::parse_imported(hash, None).is_ok(), "{hash}");
            assert_eq!(verified(PASSWORD, hash), RIGHT_BUT_OUTDATED, "{hash}");
            assert_eq!(verified("passwörd", hash), WRONG, "{hash}");
        }
    }

    #[test]
    fn the_directory_s_own_hash_is_up_to_date() {
        // Made by argon2-cffi, from the salt 0, 1 … 15.
        assert_eq!(verified(PASSWORD, OWN), RIGHT);
        assert_eq!(verified("passwörd", OWN), WRONG);
        let salt = std::array::from_fn(|n| u8::try_from(n).unwrap());
        let password = Password::parse(PASSWORD, Policy::Checked, &OwnNames::new(None, []));
        let password = password.unwrap();
        assert_eq!(password.hash(salt).expose(), OWN);
    }

    #[test]
    fn bcrypt_hashes_verify() {
        assert_verifies(&[
            // By bcrypt for Python.
            "$2b$04$eL1VAle0lnmvxpwgc/Drs..qS4NSKISMQm4X.K7ha8OA7DNuzax3W",
            "$2a$04$zhXA.KkGXOBOR3n4tgI1Ne5fCN9Ma2CKbTk62WTjzgMDscbcvSvdy",
            // By libxcrypt.
            "$2a$04$N9qo8uLOickgx2ZMRZoMyeVE0Gfkvlqp6DLtAlfhGw0O/hgr/H5Z6",
            "$2b$04$N9qo8uLOickgx2ZMRZoMyeVE0Gfkvlqp6DLtAlfhGw0O/hgr/H5Z6",
            "$2y$04$N9qo8uLOickgx2ZMRZoMyeVE0Gfkvlqp6DLtAlfhGw0O/hgr/H5Z6",
        ]);
    }

    #[test]
    fn bcrypt_reads_no_further_than_72_bytes() {
        // By libxcrypt, from all 100 characters of the password.
        let long = "0123456789".repeat(10);
        for hash in [
            "$2a$04$N9qo8uLOickgx2ZMRZoMye0W7xLwk3vCOIatIAhIkRAvPiuERUu.O",
            "$2y$04$N9qo8uLOickgx2ZMRZoMye0W7xLwk3vCOIatIAhIkRAvPiuERUu.O",
        ] {
            // What comes after 72 bytes was not verified, so the hash is not replaced.
            assert_eq!(verified(&long, hash), RIGHT);
            assert_eq!(verified(&long[..72], hash), RIGHT);
            assert_eq!(verified(&long[..71], hash), WRONG);
        }
    }

    #[test]
    fn argon2id_hashes_verify_with_other_parameters_versions_and_lengths() {
        // By argon2-cffi.
        assert_verifies(&[
            "$argon2id$v=19$m=64,t=3,p=2$AAECAwQFBgcICQoLDA0ODw$\
             WIknuWkyDLv5zBP5ggJw5U5uNOpgfq7Dk+MybjFcYeU",
            "$argon2id$v=19$m=64,t=1,p=1$AAECAwQFBgcICQoLDA0ODw$\
             1LN4588y34WyzLhAr2uuPF2k1WRSy4yV1AXmKqkjDhDRhNqcP0cNl7gbXsyqB2ATmG+3ZXpDXBclkClV+ZEcuw",
            "$argon2id$v=16$m=64,t=3,p=2$AAECAwQFBgcICQoLDA0ODw$\
             0htULzXTGCqNydUGgGuZPN3wa130bubKn2moyPUhVCs",
            // As the directory's own, but with another version, length of the output or of the salt, or
            // order.
            "$argon2id$v=16$m=19456,t=2,p=1$AAECAwQFBgcICQoLDA0ODw$\
             rVPWF8XRRn86lsLxA3bD8qN8GzFn+v+l6a5v6gHECTc",
            "$argon2id$v=19$m=19456,t=2,p=1$AAECAwQFBgcICQoLDA0ODw$\
             ezJ1K8aOlbrliNY+sQfUpTlGImXQ0Mz9",
            "$argon2id$v=19$m=19456,t=2,p=1$AAECAwQFBgcICQoLDA0ODw$MXe2q3qp72eqUg",
            "$argon2id$v=19$m=19456,t=2,p=1$AAECAwQFBgc$\
             2NaiXZW4vUswIQxY6h0CEk8BS9rtCEk+jV3bt8QAgPM",
            "$argon2id$v=19$t=2,m=19456,p=1$AAECAwQFBgcICQoLDA0ODw$\
             eCrffB233dgiuXE1iutaiZP35cfD78wj+xWofmbux/s",
        ]);
    }

    #[test]
    fn an_argon2id_hash_without_a_version_is_of_the_first_one() {
        // argon2-cffi verifies them.
        assert_verifies(&[
            "$argon2id$m=64,t=3,p=2$AAECAwQFBgcICQoLDA0ODw$\
             0htULzXTGCqNydUGgGuZPN3wa130bubKn2moyPUhVCs",
            "$argon2id$m=19456,t=2,p=1$AAECAwQFBgcICQoLDA0ODw$\
             rVPWF8XRRn86lsLxA3bD8qN8GzFn+v+l6a5v6gHECTc",
        ]);
    }

    #[test]
    fn scrypt_hashes_verify() {
        assert_verifies(&[
            // By passlib.
            "$scrypt$ln=4,r=8,p=1$AAECAwQFBgcICQoLDA0ODw$\
             BHecd7e7pPRBAcF7C7q7Pxn+RgFr3BEbGWUw2zr+aOA",
            // By OpenSSL.
            "$scrypt$ln=10,r=8,p=2$AAECAwQFBgcICQoLDA0ODw$\
             TkT56NiPmTdUAf+uNExI5vcKrgkon8n1xe63htB5qWpYiulWL5m2iient56HOaiP5wzOXnNXwd83HWs0voydTQ",
            "$scrypt$ln=5,r=1,p=4$AAECAwQFBgcICQoLDA0ODw$/lOlYB/pTJ57uQ",
        ]);
    }

    #[test]
    fn pbkdf2_hashes_verify() {
        // By OpenSSL.
        assert_verifies(&[
            "$pbkdf2-sha256$i=1000,l=32$AAECAwQFBgcICQoLDA0ODw$\
             L1aYbGjzdoPwxPhGrTdCzJAIXgv98gXX9F7Efjyq3Og",
            "$pbkdf2-sha256$i=1000$AAECAwQFBgcICQoLDA0ODw$\
             L1aYbGjzdoPwxPhGrTdCzJAIXgv98gXX9F7Efjyq3Oj8s+xRjZ13pcxi1cZkMyh2KjoTWCvnSFWCsFeDxM8jew",
            "$pbkdf2-sha256$i=1$AAECAwQFBgcICQoLDA0ODw$SHuaovLQx5JBGsiY8YHd+5gpNfE",
            "$pbkdf2-sha512$i=1000$AAECAwQFBgcICQoLDA0ODw$\
             tesGdwmZwygAGYLzLiZnuLe7u7U7QwD64kd8Dxsmq1czniS4pZHyb0gH6ZCWHMgN1oFJ7mpRl1LVshQSj7oYVw",
            "$pbkdf2-sha512$i=1000,l=32$AAECAwQFBgcICQoLDA0ODw$\
             tesGdwmZwygAGYLzLiZnuLe7u7U7QwD64kd8Dxsmq1c",
        ]);
    }

    #[test]
    fn hashes_that_an_import_alone_takes_verify() {
        assert_verifies(&[
            // By hashlib, as passlib makes it, too.
            "$pbkdf2-sha1$i=1000$AAECAwQFBgcICQoLDA0ODw$lfzT7JP5RoxTX3QxduxJ5Hbc3pg",
            "$pbkdf2$i=1000$AAECAwQFBgcICQoLDA0ODw$lfzT7JP5RoxTX3QxduxJ5Hbc3pg",
            // By firebase-scrypt for Node.
            "$fbscrypt$v=1,n=4,r=8,p=1,ss=Bw==,\
             sk=jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA==$\
             42xEC+ixf3L2lw==$\
             awu1j0U3E/4Ex9zBI4sRnMHoK82QEy2veN7+5ps2Ay0PQ6pAGAvKs6DFvlhkSL0zwxbufcInJ4vnn1P32QOqPw==",
        ]);
    }

    #[test]
    fn nothing_is_right_against_no_hash_or_an_unreadable_one() {
        assert_eq!(verify(&PASSWORD.into(), None), WRONG);
        assert_eq!(verify(&"".into(), None), WRONG);
        for unreadable in [
            "",
            "$",
            "$2b$",
            "$2b$04$ä",
            PASSWORD,
            "$argon2id$v=19$m=19456,t=2,p=1$AAECAwQFBgcICQoLDA0ODw",
            "$argon2id$v=19$m=19456,t=2,p=1$AAECAwQFBgcICQoLDA0ODw$",
        ] {
            assert_eq!(verified(PASSWORD, unreadable), WRONG);
            assert_eq!(verified("", unreadable), WRONG);
        }
    }

    #[test]
    fn a_dear_hash_is_not_run_even_if_it_comes_from_the_table() {
        let dear = OWN.replace("m=19456", "m=4194304");
        RUNS.take();
        assert_eq!(verified(PASSWORD, &dear), WRONG);
        assert_eq!(RUNS.take(), [[19_456, 2, 1]]);
    }

    #[test]
    fn a_password_is_right_however_its_letters_and_spaces_are_encoded() {
        const DECOMPOSED: &str = "pa\u{308}sswo\u{308}rd";
        assert_eq!(verified(DECOMPOSED, OWN), RIGHT);
        assert_eq!(verified("Pa\u{308}sswo\u{308}rd", OWN), WRONG);
        let spaced =
            PasswordHash::of_verified(&"correct\u{a0}horse\u{3000}battery".into(), [7; 16]);
        for typed in [
            "correct horse battery",
            "correct\u{a0}horse\u{3000}battery",
            "correct\u{2003}horse\u{202f}battery",
        ] {
            assert_eq!(verified(typed, spaced.expose()), RIGHT, "{typed:?}");
        }
        assert_eq!(verified("correcthorsebattery", spaced.expose()), WRONG);
    }

    #[test]
    fn an_own_hash_of_the_text_as_typed_holds_and_is_replaced() {
        const DECOMPOSED: &str = "pa\u{308}sswo\u{308}rd";
        // Not in the form of passwords.
        let hash = PasswordHash::of(DECOMPOSED, [7; 16]);
        assert_eq!(verified(DECOMPOSED, hash.expose()), RIGHT_BUT_OUTDATED);
        assert_eq!(verified(PASSWORD, hash.expose()), WRONG);
        let replaced = PasswordHash::of_verified(&DECOMPOSED.into(), [8; 16]);
        assert_eq!(verified(DECOMPOSED, replaced.expose()), RIGHT);
        assert_eq!(verified(PASSWORD, replaced.expose()), RIGHT);
    }

    #[test]
    fn an_imported_hash_is_tried_with_the_password_as_typed_and_then_in_its_form() {
        const DECOMPOSED: &str = "pa\u{308}sswo\u{308}rd";
        for hash in imported(PASSWORD.as_bytes()) {
            assert_eq!(verified(PASSWORD, &hash), RIGHT_BUT_OUTDATED, "{hash}");
            assert_eq!(verified(DECOMPOSED, &hash), RIGHT_BUT_OUTDATED, "{hash}");
        }
        for hash in imported(DECOMPOSED.as_bytes()) {
            assert_eq!(verified(DECOMPOSED, &hash), RIGHT_BUT_OUTDATED, "{hash}");
            assert_eq!(verified(PASSWORD, &hash), WRONG, "{hash}");
        }
    }

    #[test]
    fn what_an_imported_hash_can_not_tell_from_its_password_is_refused() {
        let password = "hunter2hunter2";
        for hash in imported(password.as_bytes()) {
            assert_eq!(verified(password, &hash), RIGHT_BUT_OUTDATED, "{hash}");
            for variant in [
                format!("{password}\0"),
                format!("{password}\0\0\0"),
                format!("{password}\0{password}"),
                format!("{password}\0{password}\0"),
                format!("{password}\0{}", "x".repeat(80)),
                format!("\0{password}"),
            ] {
                assert_eq!(verified(&variant, &hash), WRONG, "{hash} {variant:?}");
            }
        }
        // Such a password is refused even where the hash was made from it: the hash fits other
        // passwords, too.
        for hash in imported(b"hunter2\0hunter2") {
            assert_eq!(verified("hunter2\0hunter2", &hash), WRONG, "{hash}");
        }
        // argon2id hashes the password's length, too, so it tells such passwords apart.
        let own = PasswordHash::of_verified(&"hunter2\0".into(), [7; 16]);
        assert_eq!(verified("hunter2\0", own.expose()), RIGHT);
        assert_eq!(verified("hunter2", own.expose()), WRONG);
    }

    #[test]
    fn what_bcrypt_ignored_never_becomes_the_new_hash() {
        let long = "0123456789".repeat(8);
        let [hash, ..] = imported(long.as_bytes());
        assert_eq!(verified(&long, &hash), RIGHT);
        assert_eq!(
            verified(&long[..72], &hash),
            RIGHT,
            "the start of a longer one"
        );
        assert_eq!(verified(&format!("{}x", &long[..72]), &hash), RIGHT);
        let [hash, ..] = imported(&long.as_bytes()[..71]);
        assert_eq!(verified(&long[..71], &hash), RIGHT_BUT_OUTDATED);
        // 72 bytes as typed, 71 in its form, which is what was hashed.
        let decomposed = format!("{}e\u{301}", "x".repeat(69));
        let composed = format!("{}é", "x".repeat(69));
        let [hash, ..] = imported(composed.as_bytes());
        assert_eq!((decomposed.len(), composed.len()), (72, 71));
        assert_eq!(verified(&decomposed, &hash), RIGHT_BUT_OUTDATED);
    }

    /// The hashes of a password by bcrypt, scrypt and pbkdf2, each at its cheapest.
    fn imported(password: &[u8]) -> [String; 3] {
        let bcrypt = bcrypt::hash_with_salt(password, 4, [7; 16]).unwrap();
        let bcrypt = bcrypt.format_for_version(bcrypt::Version::TwoY);
        let [scrypt, pbkdf2] = ["scrypt$ln=4,r=1,p=1", "pbkdf2-sha256$i=1"].map(|function| {
            let salt = Salt::new(&[7; 16]).unwrap();
            let unused = Output::new(&[0; 32]).unwrap();
            let text = format!("${function}${salt}${unused}");
            let Some(Form::Phc { function, .. }) = Form::parse(&text) else {
                panic!("{text}");
            };
            let output = function.run(password, &salt, 32).unwrap();
            text.replace(&unused.to_string(), &output.to_string())
        });
        [bcrypt, scrypt, pbkdf2]
    }

    #[test]
    fn every_verification_runs_argon2id_once_with_the_directory_s_own_parameters() {
        let runs = |typed: &str, stored: Option<&str>| {
            RUNS.take();
            let stored = stored.map(|hash| PasswordHash::restore(hash.to_owned()));
            verify(&typed.into(), stored.as_ref());
            RUNS.take()
        };
        let own = [19_456, 2, 1];
        for stored in [
            None,
            Some(OWN),
            Some("unreadable"),
            Some("$2y$04$N9qo8uLOickgx2ZMRZoMyeVE0Gfkvlqp6DLtAlfhGw0O/hgr/H5Z6"),
            Some("$scrypt$ln=5,r=1,p=4$AAECAwQFBgcICQoLDA0ODw$/lOlYB/pTJ57uQ"),
            Some("$pbkdf2-sha256$i=1$AAECAwQFBgcICQoLDA0ODw$SHuaovLQx5JBGsiY8YHd+5gpNfE"),
        ] {
            for typed in [PASSWORD, "wrong", ""] {
                assert_eq!(runs(typed, stored), [own], "{stored:?}");
            }
        }
        // A password typed in another form than it is hashed in costs two runs for every user, known or
        // not.
        for stored in [None, Some(OWN), Some("unreadable")] {
            for typed in ["pa\u{308}sswo\u{308}rd", "\u{a0}"] {
                assert_eq!(runs(typed, stored), [own, own], "{stored:?}");
            }
        }
        // In addition to the run of an imported argon2id hash.
        let imported = "$argon2id$v=19$m=64,t=3,p=2$AAECAwQFBgcICQoLDA0ODw$\
                        WIknuWkyDLv5zBP5ggJw5U5uNOpgfq7Dk+MybjFcYeU";
        assert_eq!(runs(PASSWORD, Some(imported)), [own, [64, 3, 2]]);
        assert_eq!(runs("wrong", Some(imported)), [own, [64, 3, 2]]);
    }

    #[test]
    fn any_password_that_was_right_stays_right_when_it_is_hashed_anew() {
        for typed in ["", "a", "password", "a\0b", &"0123456789".repeat(26_000)] {
            let hash = PasswordHash::of_verified(&typed.into(), [7; 16]);
            assert_eq!(verify(&typed.into(), Some(&hash)), RIGHT);
            let longer = format!("{typed}\0").into();
            assert_eq!(verify(&longer, Some(&hash)), WRONG);
        }
    }

    #[test]
    fn no_typed_password_is_too_odd_for_an_imported_hash() {
        for stored in [
            "$2y$04$N9qo8uLOickgx2ZMRZoMyeVE0Gfkvlqp6DLtAlfhGw0O/hgr/H5Z6",
            "$argon2id$v=19$m=64,t=1,p=1$AAECAwQFBgcICQoLDA0ODw$\
             1LN4588y34WyzLhAr2uuPF2k1WRSy4yV1AXmKqkjDhDRhNqcP0cNl7gbXsyqB2ATmG+3ZXpDXBclkClV+ZEcuw",
            "$scrypt$ln=5,r=1,p=4$AAECAwQFBgcICQoLDA0ODw$/lOlYB/pTJ57uQ",
            "$pbkdf2-sha512$i=1000,l=32$AAECAwQFBgcICQoLDA0ODw$\
             tesGdwmZwygAGYLzLiZnuLe7u7U7QwD64kd8Dxsmq1c",
        ] {
            for typed in ["", "\0", "p\0", &"0".repeat(256 * 1024)] {
                assert!(!verified(typed, stored).is_right, "{stored}");
            }
        }
        // By libxcrypt.
        let of_nothing = "$2y$04$N9qo8uLOickgx2ZMRZoMyexhJu7XyhFyrko6QMKtD6uvGcfCxpYoK";
        assert_eq!(verified("", of_nothing), RIGHT_BUT_OUTDATED);
    }
}
