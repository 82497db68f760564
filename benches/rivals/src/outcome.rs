//! What one run measures.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::process::{self, Used};

/// Printed by `drive` as one line of JSON behind `RESULT`. Other harnesses read the same names.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Outcome {
    pub name: String,
    pub workload: String,
    pub calls: usize,
    pub elapsed_s: f64,
    pub calls_per_s: f64,
    pub p50_us: f64,
    pub p99_us: f64,
    pub mean_us: f64,
    pub mb_per_s: f64,
    /// Processor time of both processes.
    pub cpu_us_per_call: f64,
    pub cpu_client_s: f64,
    pub cpu_server_s: f64,
    pub cpu_user_s: f64,
    pub cpu_sys_s: f64,
    pub sleeps_per_call_client: f64,
    pub sleeps_per_call_server: f64,
    /// What other programs used of the machine meanwhile, in percent: how far to trust the figures.
    pub others_pct: f64,
    pub steal_pct: f64,
    pub server_rss_per_conn_kib: f64,
    pub server_anon_per_conn_kib: f64,
    pub server_rss_base_kib: f64,
    pub client_anon_per_conn_kib: f64,
    /// Items that subscribers received, for each second of processor time of the server.
    #[serde(default)]
    pub deliveries_per_cpu_s: f64,
}

/// Runs from the moment at which it is made.
pub struct Meter {
    server: u32,
    server_before: Used,
    own_before: Used,
    busy_before: f64,
    started: Instant,
    latencies: Vec<Duration>,
}

impl Meter {
    pub fn start(server: u32, calls: usize) -> Self {
        let latencies = Vec::with_capacity(calls);
        let (server_before, own_before) = (Used::by(server), Used::by(process::own_id()));
        let busy_before = process::machine_busy();
        Self { server, server_before, own_before, busy_before, started: Instant::now(), latencies }
    }

    pub fn note(&mut self, latency: Duration) {
        self.latencies.push(latency);
    }

    pub fn stop(mut self) -> Outcome {
        let elapsed = self.started.elapsed().as_secs_f64();
        let server = Used::by(self.server).since(self.server_before);
        let own = Used::by(process::own_id()).since(self.own_before);
        let busy = process::machine_busy() - self.busy_before;
        let ours = server.seconds + own.seconds;
        let machine = elapsed * std::thread::available_parallelism().map_or(1, |count| count.get()) as f64;
        self.latencies.sort_unstable();
        let calls = self.latencies.len();
        let per_call = |amount: f64| amount / calls as f64;
        Outcome {
            calls,
            elapsed_s: elapsed,
            calls_per_s: calls as f64 / elapsed,
            p50_us: quantile(&self.latencies, 0.5),
            p99_us: quantile(&self.latencies, 0.99),
            mean_us: per_call(self.latencies.iter().sum::<Duration>().as_secs_f64() * 1e6),
            cpu_us_per_call: per_call(ours * 1e6),
            cpu_client_s: own.seconds,
            cpu_server_s: server.seconds,
            sleeps_per_call_client: per_call(own.sleeps as f64),
            sleeps_per_call_server: per_call(server.sleeps as f64),
            others_pct: ((busy - ours) / machine * 100.0).max(0.0),
            ..Outcome::default()
        }
    }
}

fn quantile(sorted: &[Duration], share: f64) -> f64 {
    let last = sorted.len().saturating_sub(1);
    let place = (last as f64 * share).round() as usize;
    sorted.get(place).map_or(0.0, |latency| latency.as_secs_f64() * 1e6)
}
