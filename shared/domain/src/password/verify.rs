//! Verifying a typed password, in a time that doesn't tell whether anybody has one.

use std::hint::black_box;

use secrecy::{ExposeSecret as _, SecretString};

use super::hash::Form;
use super::{PasswordHash, argon2id};

/// What a typed password comes to against a stored hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verified {
    /// The hash is this password's.
    pub is_right: bool,
    /// The hash was made elsewhere or with other parameters: once the password is right, replace
    /// it ([`PasswordHash::of_verified`]). Never where more was typed than the hash covers.
    pub is_outdated: bool,
}

/// How much of a password bcrypt looks at.
const BCRYPT_BYTES: usize = 72;

/// Verifies a typed password against the stored hash, if there is one.
///
/// Whatever is stored, argon2id runs once with the directory's own parameters, so a missing user
/// costs what a wrong password does. Only a hash that was made elsewhere costs its own run
/// beside that one, until it is replaced.
pub fn verify(typed: &SecretString, stored: Option<&PasswordHash>) -> Verified {
    let typed = typed.expose_secret().as_bytes();
    let form = stored.and_then(|stored| Form::parse(stored.expose()));
    let salt = match form {
        Some(Form::Own { salt, .. }) => salt,
        _ => [0; argon2id::SALT_LENGTH],
    };
    // The compiler must not skip the run where nothing is compared with it.
    let own = black_box(argon2id::run_own(typed, &salt));
    // An `Output` compares itself in constant time.
    let is_right = match &form {
        None => false,
        Some(Form::Own { output, .. }) => own.hash.as_ref() == Some(output),
        Some(Form::Bcrypt(text)) => bcrypt::verify(typed, text).unwrap_or(false),
        Some(Form::Phc {
            function,
            salt,
            output,
        }) => function.run(typed, salt, output.len()).as_ref() == Some(output),
    };
    let is_outdated = match form {
        Some(Form::Own { .. }) => false,
        // What bcrypt ignored was not verified, and must not become part of the password.
        Some(Form::Bcrypt(_)) if typed.len() > BCRYPT_BYTES => false,
        _ => stored.is_some(),
    };
    Verified {
        is_right,
        is_outdated,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::password::argon2id::RUNS;
    use crate::password::{Password, Policy};

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
    const WRONG: Verified = Verified {
        is_right: false,
        is_outdated: false,
    };
    const WRONG_AND_OUTDATED: Verified = Verified {
        is_right: false,
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
            assert!(PasswordHash::parse(hash, None).is_ok(), "{hash}");
            assert_eq!(verified(PASSWORD, hash), RIGHT_BUT_OUTDATED, "{hash}");
            assert_eq!(verified("passwörd", hash), WRONG_AND_OUTDATED, "{hash}");
        }
    }

    #[test]
    fn the_directory_s_own_hash_is_up_to_date() {
        // Made by argon2-cffi, from the salt 0, 1 … 15.
        assert_eq!(verified(PASSWORD, OWN), RIGHT);
        assert_eq!(verified("passwörd", OWN), WRONG);
        let salt = std::array::from_fn(|n| u8::try_from(n).unwrap());
        let password = Password::parse(PASSWORD, Policy::Checked).unwrap();
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
        // By libxcrypt, from all 100 characters.
        let long = "0123456789".repeat(10);
        for hash in [
            "$2a$04$N9qo8uLOickgx2ZMRZoMye0W7xLwk3vCOIatIAhIkRAvPiuERUu.O",
            "$2y$04$N9qo8uLOickgx2ZMRZoMye0W7xLwk3vCOIatIAhIkRAvPiuERUu.O",
        ] {
            // What comes after was not verified: the hash stays.
            assert_eq!(verified(&long, hash), RIGHT);
            assert_eq!(verified(&long[..72], hash), RIGHT_BUT_OUTDATED);
            assert_eq!(verified(&long[..71], hash), WRONG_AND_OUTDATED);
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
            // Its own but for the version, the length of the output or of the salt, the order.
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
            assert_eq!(verified(PASSWORD, unreadable), WRONG_AND_OUTDATED);
            assert_eq!(verified("", unreadable), WRONG_AND_OUTDATED);
        }
    }

    #[test]
    fn a_dear_hash_is_not_run_even_if_it_comes_from_the_table() {
        let dear = OWN.replace("m=19456", "m=4194304");
        RUNS.take();
        assert_eq!(verified(PASSWORD, &dear), WRONG_AND_OUTDATED);
        assert_eq!(RUNS.take(), [[19_456, 2, 1]]);
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
        // Beside another argon2id's run.
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
