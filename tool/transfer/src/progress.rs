//! How far a transfer is: a bar on a terminal, else a line now and then.

use std::time::Duration;

use indicatif::{HumanCount, HumanDuration, ProgressBar, ProgressStyle};
use tokio::time::Instant;

/// How often a line is printed where there is no terminal.
const LINE: Duration = Duration::from_secs(10);
/// A shorter wait for the service is not worth a word.
const WAIT: Duration = Duration::from_secs(5);

/// A bar on a terminal, else a line now and then: on standard error.
pub struct Progress {
    /// Of the work: bytes of the input, or users. It is hidden where there is no terminal.
    bar: ProgressBar,
    /// Never shown: it counts the users a second.
    users: ProgressBar,
    said: Instant,
}

impl Progress {
    /// Of so much work, if that is known: bytes, or users.
    pub fn new(work: Option<u64>) -> Self {
        let bar = work.map_or_else(ProgressBar::new_spinner, ProgressBar::new);
        let template = if work.is_some() {
            "{bar:32} {percent:>3} %  {msg}"
        } else {
            "{spinner} {msg}"
        };
        let style = ProgressStyle::with_template(template);
        bar.set_style(style.expect("the template has known words alone"));
        Self {
            bar,
            users: ProgressBar::hidden(),
            said: Instant::now(),
        }
    }

    /// So much was done by a run before.
    pub(crate) fn begin_at(&self, work: u64, users: u64) {
        self.bar.set_position(work);
        self.bar.reset_eta();
        self.users.set_position(users);
        self.users.reset_eta();
    }

    /// So much is done by now.
    pub fn is_at(&mut self, work: u64, users: u64) {
        self.bar.set_position(work);
        self.users.set_position(users);
        let message = self.message();
        if self.bar.is_hidden() && self.said.elapsed() >= LINE {
            self.said = Instant::now();
            eprintln!("{message}");
        }
        self.bar.set_message(message);
    }

    fn message(&self) -> String {
        let (users, rate) = (self.users.position(), self.users.per_sec());
        let message = format!("{} users, {rate:.0} a second", HumanCount(users));
        if self.bar.length().is_none() {
            return message;
        }
        format!("{message}, {} left", HumanDuration(self.bar.eta()))
    }

    /// A pause that the service asks for.
    pub(crate) fn waits(&self, pause: Duration) {
        if pause >= WAIT {
            let pause = HumanDuration(pause);
            self.say(&format!("the service has no room: waiting {pause}"));
        }
    }

    /// A line for a person.
    pub fn say(&self, line: &str) {
        if self.bar.is_hidden() {
            eprintln!("{line}");
        } else {
            self.bar.println(line);
        }
    }

    /// Takes the bar away.
    pub(crate) fn clear(&self) {
        self.bar.finish_and_clear();
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.clear();
    }
}
