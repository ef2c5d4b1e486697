//! How long it takes to verify the most expensive password hashes that an import may bring. Each is
//! verified on one thread, with the argon2id run that every sign-in has. The time is the processor's: a
//! function whose memory gives it one vCPU waits as long.

use std::fs::read_to_string;
use std::process::ExitCode;
use std::time::Duration;

use domain::password::{PasswordHash, verify};

/// The limit, of a function's ten seconds. The rest is for all other work of the call.
const BOUND: Duration = Duration::from_secs(5);
const RUNS: u32 = 3;

/// 16 bytes of salt and 64 of output.
const SALT_AND_OUTPUT: &str = "AAECAwQFBgcICQoLDA0ODw$AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8g\
     ISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0+Pw";

/// 64 bytes, as a project's signer key has.
const FIREBASE_KEY: &str =
    "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0+Pw==";

fn main() -> ExitCode {
    let phc = |function: &str| format!("${function}${SALT_AND_OUTPUT}");
    let dearest = [
        ("own argon2id alone", None),
        (
            "bcrypt, cost 14",
            Some("$2b$14$EXRkfkdmXn2gzds2SSitu.MW9.gAVqa9eLS1//RYtYCmB1eLHg.9q".to_owned()),
        ),
        (
            "argon2id, m=65536,t=10,p=4",
            Some(phc("argon2id$v=19$m=65536,t=10,p=4")),
        ),
        (
            "argon2id, m=65536,t=10,p=1",
            Some(phc("argon2id$v=19$m=65536,t=10,p=1")),
        ),
        ("scrypt, ln=16,r=8,p=4", Some(phc("scrypt$ln=16,r=8,p=4"))),
        ("scrypt, ln=19,r=1,p=4", Some(phc("scrypt$ln=19,r=1,p=4"))),
        (
            "scrypt, ln=1,r=262144,p=4",
            Some(phc("scrypt$ln=1,r=262144,p=4")),
        ),
        ("pbkdf2-sha1, i=2000000", Some(phc("pbkdf2-sha1$i=2000000"))),
        (
            "fbscrypt, n=14,r=8",
            Some(format!(
                "$fbscrypt$v=1,n=14,r=8,p=1,ss=Bw==,sk={FIREBASE_KEY}$AAECAwQFBgc=${FIREBASE_KEY}"
            )),
        ),
        (
            "pbkdf2-sha256, i=2000000",
            Some(phc("pbkdf2-sha256$i=2000000")),
        ),
        (
            "pbkdf2-sha512, i=2000000",
            Some(phc("pbkdf2-sha512$i=2000000")),
        ),
    ];
    println!("| hash | verified | with the text as typed and its form |");
    println!("|---|--:|--:|");
    let mut is_within = true;
    for (name, hash) in dearest {
        let hash = hash.map(|hash| {
            PasswordHash::parse_imported(&hash, None)
                .unwrap_or_else(|_| panic!("{name} is accepted"))
        });
        let [once, twice] = ["pässwörd", "pa\u{308}sswo\u{308}rd"].map(|typed| {
            let start = processor_time();
            for _ in 0..RUNS {
                let verified = verify(&typed.into(), hash.as_ref());
                assert!(!verified.is_right, "no password was hashed for {name}");
            }
            processor_time().saturating_sub(start) / RUNS
        });
        is_within &= twice <= BOUND;
        println!(
            "| {name} | {} ms | {} ms |",
            once.as_millis(),
            twice.as_millis()
        );
    }
    println!("\nAt most {} of memory.", peak_memory());
    if is_within {
        ExitCode::SUCCESS
    } else {
        eprintln!("One takes longer than {BOUND:?}.");
        ExitCode::FAILURE
    }
}

/// The processor time that the process has used, as Linux reports it.
fn processor_time() -> Duration {
    let schedule = read_to_string("/proc/self/schedstat").expect("this is Linux");
    let nanoseconds = schedule.split(' ').next().unwrap_or_default();
    Duration::from_nanos(nanoseconds.parse().expect("the first number is the time"))
}

/// The most memory that the process has used at once.
fn peak_memory() -> String {
    let status = read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    peak.unwrap_or("an unknown amount").trim().to_owned()
}
