//! The tables: medians of the rounds, and ratios that were taken within a round.

use comfy_table::{CellAlignment, Table, presets};

use crate::contender::Contender;
use crate::rounds::{Place, Run};
use crate::workload::{W1, W2, W3, W4, W5, W6, W7, W8, W8L, W9, Workload};

/// The figure that is reported for a workload, and its unit.
struct Column {
    workload: Workload,
    title: &'static str,
    value: fn(&Run) -> f64,
    digits: usize,
}

const COLUMNS: [Column; 12] = [
    Column { workload: W1, title: "W1 one call, µs", value: |run| run.outcome.p50_us, digits: 1 },
    Column {
        workload: W2,
        title: "W2 64 in flight, calls/ms",
        value: |run| run.outcome.calls_per_s / 1e3,
        digits: 0,
    },
    Column { workload: W3, title: "W3 1 MiB, ms", value: |run| run.outcome.p50_us / 1e3, digits: 2 },
    Column { workload: W4, title: "W4 called back, µs", value: |run| run.outcome.p50_us, digits: 1 },
    Column { workload: W6, title: "W6 late, ms", value: |run| run.outcome.p50_us / 1e3, digits: 2 },
    Column {
        workload: W7,
        title: "W7 W1 beside waiting calls, µs",
        value: |run| run.outcome.p50_us,
        digits: 1,
    },
    Column {
        workload: W5,
        title: "W5 KiB a connection",
        value: |run| run.outcome.server_anon_per_conn_kib,
        digits: 1,
    },
    Column {
        workload: W8,
        title: "W8 items of 32 bytes, thousand/s",
        value: |run| run.outcome.calls_per_s / 1e3,
        digits: 0,
    },
    Column { workload: W8L, title: "W8 items of 64 KiB, MB/s", value: |run| run.outcome.mb_per_s, digits: 0 },
    Column {
        workload: W9,
        title: "W9 thousand deliveries per CPU second",
        value: |run| run.outcome.deliveries_per_cpu_s / 1e3,
        digits: 0,
    },
    Column {
        workload: W9,
        title: "W9 p99 to the last, ms",
        value: |run| run.outcome.p99_us / 1e3,
        digits: 2,
    },
    Column {
        workload: W9,
        title: "W9 KiB a subscriber",
        value: |run| run.outcome.server_anon_per_conn_kib,
        digits: 1,
    },
];

/// Ratios are to the lower bound that all contenders here could reach: the bare WebSocket.
const BASE: &str = "actix WebSocket";

pub fn print(places: &[Place], contenders: &[Contender], runs: &[Run]) {
    for &place in places {
        let here: Vec<&Run> = runs.iter().filter(|run| run.place == place).collect();
        let columns: Vec<&Column> =
            COLUMNS.iter().filter(|column| here.iter().any(|run| run.workload == column.workload)).collect();
        let mut table = Table::new();
        table.load_style(presets::ASCII_MARKDOWN);
        let titles = columns.iter().map(|column| column.title.to_owned());
        table.set_header(std::iter::once(String::new()).chain(titles));
        for contender in contenders {
            let cells = columns.iter().map(|column| cell(column, contender.name, &here));
            table.add_row(std::iter::once(contender.name.to_owned()).chain(cells));
        }
        for column in table.column_iter_mut().skip(1) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        println!("\n{place:?}\n\n{table}");
    }
    println!(
        "\nMedians of the rounds; in brackets how many times the bare WebSocket of the same round it is."
    );
}

fn cell(column: &Column, name: &str, runs: &[&Run]) -> String {
    let of = |name: &str| -> Vec<&Run> {
        runs.iter().filter(|run| run.workload == column.workload && run.contender == name).copied().collect()
    };
    let (own, base) = (of(name), of(BASE));
    let Some(value) = median(own.iter().map(|run| (column.value)(run))) else { return "-".to_owned() };
    let ratios = own.iter().filter_map(|run| {
        let base = base.iter().find(|base| base.round == run.round)?;
        Some((column.value)(run) / (column.value)(base))
    });
    match median(ratios) {
        Some(ratio) => format!("{value:.*} ({ratio:.2})", column.digits),
        None => format!("{value:.*}", column.digits),
    }
}

fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}
