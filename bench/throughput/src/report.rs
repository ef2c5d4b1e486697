//! The results, as Markdown.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::Path;
use std::time::{Duration, Instant};

use clap::ValueEnum as _;

use crate::Plan;
use crate::load::Reading;
use crate::measure::{Measured, Upkeep};
use crate::service::Service;
use crate::work::Work;

const KIB_OF_A_MIB: f64 = 1024.0;

/// Prints the tables of one number of users.
pub(crate) fn print(plan: &Plan, users: u32, measured: &Measured) {
    println!("\n## {users} users\n");
    rates(plan, measured);
    upkeep(plan, measured);
    own_cpu(measured);
}

/// The rates, and how they compare with each yardstick's.
fn rates(plan: &Plan, measured: &Measured) {
    let (services, yardsticks) = (&plan.services, yardsticks(plan));
    let mut head = vec!["work".to_owned(), "connections".to_owned()];
    head.extend(services.iter().map(|service| format!("{service}/s")));
    head.extend(services.iter().map(|service| format!("{service} p99, ms")));
    head.extend(
        yardsticks
            .iter()
            .map(|service| format!("Roster : {service}")),
    );
    println!(
        "| {} |\n|---|{}",
        head.join(" | "),
        "--:|".repeat(head.len() - 1)
    );
    for &work in &plan.works {
        for &connections in &plan.connections {
            let readings = |service| &measured.cells[&(work, connections, service)];
            let mut row = vec![work.to_string(), connections.to_string()];
            for &service in services {
                let rates = readings(service).iter().map(|reading| reading.rate);
                row.push(short(Spread::of(rates).median));
            }
            for &service in services {
                let times = readings(service).iter().map(|reading| millis(reading.p99));
                row.push(short(Spread::of(times).median));
            }
            for &service in &yardsticks {
                let both = readings(Service::Roster).iter().zip(readings(service));
                let ratio = Spread::of(both.map(|(ours, theirs)| ours.rate / theirs.rate));
                let Spread {
                    least,
                    median,
                    most,
                } = ratio;
                row.push(format!("**{median:.2}** ({least:.2}–{most:.2})"));
            }
            println!("| {} |", row.join(" | "));
        }
    }
}

/// The services that Roster is compared with; none where Roster itself isn't measured.
fn yardsticks(plan: &Plan) -> Vec<Service> {
    let (ours, theirs): (Vec<_>, Vec<_>) = plan
        .services
        .iter()
        .partition(|service| **service == Service::Roster);
    if ours.is_empty() { Vec::new() } else { theirs }
}

fn upkeep(plan: &Plan, measured: &Measured) {
    println!(
        "\n| | users at the end of a round | start to first answer, ms | memory after the run, MiB \
         | idle, % of a core | seeded in, s |\n|---|--:|--:|--:|--:|--:|"
    );
    for service in &plan.services {
        let Upkeep {
            seeding,
            starts,
            users,
            memory,
            idle_cpu,
        } = &measured.upkeep[service];
        let start = Spread::of(starts.iter().copied().map(millis));
        let users = Spread::of(users.iter().copied().map(f64::from));
        println!(
            "| {service} | {:.0} | {:.0} ({:.0}–{:.0}) | {:.0} | {:.2} | {:.1} |",
            users.median,
            start.median,
            start.least,
            start.most,
            f64::from(*memory) / KIB_OF_A_MIB,
            idle_cpu * 100.0,
            seeding.as_secs_f64(),
        );
    }
}

/// Whether the load generator slowed a service down: it has only one thread.
fn own_cpu(measured: &Measured) {
    let share = |readings: &Vec<Reading>| Spread::of(readings.iter().map(|one| one.own_cpu)).median;
    let mut shares: Vec<_> = measured
        .cells
        .iter()
        .map(|(cell, readings)| (share(readings), cell))
        .collect();
    shares.sort_by(|(one, _), (other, _)| other.total_cmp(one));
    let half = Spread::of(shares.iter().map(|(share, _)| *share)).median;
    if let Some((share, (work, connections, service))) = shares.first() {
        println!(
            "\nThe load generator used at most {:.0} % of one core ({service}, {work}, {connections} \
             connections), and {:.0} % in the median.",
            share * 100.0,
            half * 100.0,
        );
    }
}

/// How long this disk takes to store one page. A durable write waits at least as long.
pub(crate) fn print_disk(directory: &Path) -> io::Result<()> {
    const WRITES: u32 = 100;
    const PAGE: [u8; 4096] = [7; 4096];
    let mut file = File::create(directory.join("disk"))?;
    let mut times = Vec::new();
    for _ in 0..WRITES {
        let began = Instant::now();
        file.write_all(&PAGE)?;
        file.sync_data()?;
        times.push(millis(began.elapsed()));
    }
    let Spread {
        least,
        median,
        most,
    } = Spread::of(times.into_iter());
    println!("A page is written and synced in {median:.2} ms ({least:.2}–{most:.2}).");
    Ok(())
}

/// Prints how the rounds were made.
pub(crate) fn print_plan(plan: &Plan) {
    let hashing: Vec<_> = Work::value_variants()
        .iter()
        .filter(|work| work.hashes())
        .map(ToString::to_string)
        .collect();
    println!(
        "Medians of {} rounds of {} s, {} s for what hashes ({}); ratios by round, with the least \
         and the most.",
        plan.rounds,
        plan.time.as_secs_f64(),
        plan.hash_time.as_secs_f64(),
        hashing.join(", "),
    );
}

/// The spread of some numbers.
struct Spread {
    least: f64,
    median: f64,
    most: f64,
}

impl Spread {
    fn of(numbers: impl Iterator<Item = f64>) -> Self {
        let mut sorted: Vec<_> = numbers.collect();
        sorted.sort_by(f64::total_cmp);
        let at = |index: usize| sorted.get(index).copied().unwrap_or(f64::NAN);
        let last = sorted.len().saturating_sub(1);
        Self {
            least: at(0),
            median: f64::midpoint(at(last / 2), at(last.div_ceil(2))),
            most: at(last),
        }
    }
}

/// A number with as many digits as are meaningful.
pub(crate) fn short(number: f64) -> String {
    let digits = if number < 10.0 {
        2
    } else {
        usize::from(number < 100.0)
    };
    format!("{number:.digits$}")
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
