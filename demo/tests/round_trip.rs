//! The main demo, in one process and in two terminals.

#![cfg(unix)]

mod support;

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

use support::{Demo, demo};

/// The URL that a server prints first.
fn url_of(server: &mut Demo) -> String {
    server.wait_for(|line| line.starts_with("ws://").then(|| line.to_owned()))
}

/// The columns of the table's rows.
fn rows(stdout: &str) -> Vec<Vec<String>> {
    let rows = stdout.lines().filter(|line| line.starts_with('│')).skip(1);
    rows.map(|row| row.trim_matches('│').split('┆').map(|cell| cell.trim_end().to_owned()).collect())
        .collect()
}

#[test]
fn one_function_hops_between_two_processes_and_every_hop_is_shown() {
    let ended = demo(&[]).succeeded();
    assert!(ended.stdout.lines().any(|line| line == "([42; 43], 44)"), "{ended:?}");
    let rows = rows(&ended.stdout);
    let hops: Vec<_> = rows.iter().map(|row| (row[0].as_str(), row[1].as_str())).collect();
    assert_eq!(hops, [(" client", " server"), ("   server", " client"), ("   server", " server")]);
    for row in &rows {
        assert!(row[2].contains("seed.rs:"), "{row:?}");
        for number in &row[3..] {
            assert_ne!(number.trim().replace(',', "").parse(), Ok(0_u64), "{row:?}");
        }
    }
    assert_eq!(ended.stderr, "");
}

#[test]
fn several_clients_can_visit_one_server_until_it_is_interrupted() {
    let mut server = Demo::start(&["server", "--addr", "127.0.0.1:0"]);
    let url = url_of(&mut server);
    let clients = [Demo::start(&["client", &url]), Demo::start(&["client", &url])];
    for client in clients {
        assert!(client.end().succeeded().stdout.contains("([42; 43], 44)"));
    }
    server.signal("INT");
    assert!(server.end().succeeded().stdout.ends_with("stopped"));
}

#[test]
fn an_ordinary_route_stands_beside_the_peer() {
    let mut server = Demo::start(&["server", "--addr", "127.0.0.1:0"]);
    let url = url_of(&mut server);
    let address = url.strip_prefix("ws://").and_then(|url| url.strip_suffix("/scope")).unwrap();
    let mut connection = TcpStream::connect(address).unwrap();
    connection.write_all(b"GET /health HTTP/1.1\r\nhost: demo\r\nconnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK") && answer.ends_with("ok"), "{answer}");
}

#[test]
fn a_port_in_use_is_an_error_with_its_cause() {
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = other.local_addr().unwrap().to_string();
    for arguments in [&["--addr", &address][..], &["server", "--addr", &address]] {
        demo(arguments).failed(1, &format!("cannot listen on {address}"));
        demo(arguments).failed(1, "in use");
    }
}

#[test]
fn a_url_where_nothing_answers_is_an_error_with_its_cause() {
    // A port that nothing uses any more.
    let url = "ws://127.0.0.1:1/scope";
    demo(&["client", url]).failed(1, &format!("cannot reach {url}"));
    demo(&["latency", url]).failed(1, "refused");
}

#[test]
fn a_url_that_is_none_is_an_error_that_says_how_to_write_one() {
    for url in ["nonsense", "http://127.0.0.1:1/scope", "ws://"] {
        demo(&["client", url]).failed(1, "ws://host:port/path");
    }
}

#[test]
fn a_url_of_something_else_is_an_error_that_says_what_answered() {
    let mut server = Demo::start(&["server", "--addr", "127.0.0.1:0"]);
    let url = url_of(&mut server).replace("/scope", "/health");
    demo(&["client", &url]).failed(1, "(HTTP 200); it says \"ok\"");
}

#[test]
fn an_unknown_command_is_an_error() {
    demo(&["frobnicate"]).failed(2, "frobnicate");
}

#[test]
fn an_interrupted_main_job_leaves_no_process() {
    let mut running = Demo::start(&[]);
    running.wait_for(|line| line.starts_with("client  pid ").then_some(()));
    running.signal("INT");
    // It may have been done first. That it ends, and the client with it, is what counts.
    let code = running.end().status.code();
    assert!(matches!(code, Some(0 | 130)), "{code:?}");
}
