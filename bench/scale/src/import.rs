//! An import by the tool, and what it takes.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use processes::{Failure, peak_memory};
use tokio::process::Command;
use tokio::time::sleep;

use crate::crowd::Crowd;
use crate::site::ADMINISTRATOR;

/// How often the tool's memory is looked at. The system itself keeps the peak, so only one that comes in
/// the last moment of all is missed.
const LOOK: Duration = Duration::from_millis(10);

/// An import that has ended.
#[derive(Clone, Copy)]
pub(crate) struct Import {
    /// From the start of the tool to its end.
    pub(crate) took: Duration,
    /// The most memory that the tool held, in KiB.
    pub(crate) peak_kib: u32,
}

/// Imports the users of `file` by `roster import`.
pub(crate) async fn run(
    program: &Path,
    file: &Path,
    crowd: Crowd,
    address: SocketAddr,
) -> Result<Import, Failure> {
    let began = Instant::now();
    let process = Command::new(program)
        .arg("import")
        .arg(file)
        .args(["--url", &format!("http://{address}")])
        .args(["--key", ADMINISTRATOR])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let id = process.id().ok_or("the tool has no id")?;
    let look = async {
        let mut peak = 0;
        // It has no memory once it has ended.
        while let Some(kib) = peak_memory(id) {
            peak = kib;
            sleep(LOOK).await;
        }
        peak
    };
    let (output, peak_kib) = tokio::join!(process.wait_with_output(), look);
    let (took, output) = (began.elapsed(), output?);
    let said = String::from_utf8_lossy(&output.stdout);
    let users = crowd.users();
    let wanted = format!("{users} created, 0 there already, 0 refused");
    if !output.status.success() || !said.replace(',', "").contains(&wanted.replace(',', "")) {
        let why = String::from_utf8_lossy(&output.stderr);
        return Err(format!("the import ended otherwise: {said}{why}").into());
    }
    Ok(Import { took, peak_kib })
}
