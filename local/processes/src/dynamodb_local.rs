//! DynamoDB Local, as its jars and the command that runs them.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The jars of DynamoDB Local in a folder.
#[derive(Clone, Debug)]
pub struct DynamodbLocal {
    jars: PathBuf,
}

impl DynamodbLocal {
    /// The jars that `pom` names, in the folder `jars`. Maven fetches them, unless those of this pom are
    /// there. The text of an error is for a person.
    pub fn fetch(pom: &Path, jars: PathBuf) -> Result<Self, String> {
        let stamp = jars.join("pom.xml");
        let wanted = std::fs::read(pom).map_err(|error| format!("{}: {error}", pom.display()))?;
        if std::fs::read(&stamp).is_ok_and(|present| present == wanted) {
            return Ok(Self { jars });
        }
        let status = Command::new("mvn")
            .args(["--quiet", "--batch-mode", "--file"])
            .arg(pom)
            .arg("dependency:copy-dependencies")
            .arg(format!("-DoutputDirectory={}", jars.display()))
            .status();
        if !status.is_ok_and(|status| status.success()) {
            return Err("Maven could not fetch DynamoDB Local".to_owned());
        }
        std::fs::write(&stamp, wanted).map_err(|error| format!("{}: {error}", stamp.display()))?;
        Ok(Self { jars })
    }

    /// The command for a store in memory that listens on `port`.
    pub fn command(&self, port: u16) -> Command {
        let jars = self.jars.display();
        let mut java = Command::new("java");
        java.arg(format!("-Djava.library.path={jars}"))
            // It lives for minutes, so the second compiler would cost more than it saves.
            .args(["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx512m"])
            .args(["-cp", &format!("{jars}/*")])
            .arg("software.amazon.dynamodb.services.local.main.ServerRunner")
            // Each function signs with its own credentials, and all of them use the same tables.
            .args(["-inMemory", "-sharedDb", "-disableTelemetry"])
            .args(["-port", &port.to_string()]);
        java
    }
}
