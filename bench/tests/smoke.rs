//! The benchmark's own parts against each other, with tiny counts: mock, bare Pingora, every kind of load.

#![expect(clippy::unwrap_used, reason = "a test fails where it finds something wrong")]

use std::io::{BufRead as _, BufReader};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;

const BENCH: &str = env!("CARGO_BIN_EXE_kolm-bench");

/// A process that ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// The mock, and a bare Pingora before it; their addresses.
fn start() -> ([Running; 2], [String; 2]) {
    let mut mock = Running(Command::new(BENCH).arg("mock").stdout(Stdio::piped()).spawn().unwrap());
    let mut line = String::new();
    BufReader::new(mock.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let upstream = line.trim().to_owned();
    let listen = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let bare =
        Command::new(BENCH).args(["bare", "--listen", &listen, "--upstream", &upstream]).spawn().unwrap();
    let bare = Running(bare);
    let up = (0..600).any(|_| {
        let connected = TcpStream::connect(&listen).is_ok();
        if !connected {
            std::thread::sleep(Duration::from_millis(50));
        }
        connected
    });
    assert!(up, "the bare Pingora does not listen");
    ([mock, bare], [upstream, listen])
}

fn load(kind: &str, to: &str, flags: &[&str]) -> Value {
    let output = Command::new(BENCH).args(["load", kind, "--to", to]).args(flags).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn every_load_counts_what_the_mock_sent() {
    let (running, addresses) = start();
    let span = ["--seconds", "0.2", "--warm", "0"];
    for to in &addresses {
        for size in ["1024", "102400"] {
            let model = format!("mock-reply-{size}");
            let flags = ["--model", &model, "--size", size, "--expect", size, "--connections", "4"];
            let closed = load("closed", to, &[&flags[..], &span].concat());
            assert!(closed["replies"].as_u64().unwrap() > 0, "{closed}");
            assert_eq!(closed["errors"], serde_json::json!({}));
            assert_eq!(closed["latency_us"]["n"], closed["replies"]);
        }
        let open = load("open", to, &[&span[..], &["--rate", "100", "--expect", "1024"]].concat());
        assert_eq!(open["errors"], serde_json::json!({}));
        assert!(open["replies_in_all"].as_u64().unwrap() <= 20, "{open}");

        let streams =
            load("streams", to, &["--model", "mock-stream-8-5", "--connections", "3", "--each", "2"]);
        assert_eq!((&streams["whole"], &streams["frames"]), (&6.into(), &48.into()), "{streams}");
        assert!(streams["bytes_each"].is_u64(), "{streams}");

        let held = load("hold", to, &["--model", "mock-stream-600-1000", "--connections", "20"]);
        assert_eq!(held["open"], 20);
    }
    drop(running);
}

#[test]
fn faults_reach_the_caller() {
    let (running, addresses) = start();
    for to in &addresses {
        let limited = load("once", to, &["--model", "mock-status-429"]);
        assert_eq!((&limited["status"], &limited["broke"]), (&429.into(), &Value::Null));
        let cut = load("once", to, &["--model", "mock-cut"]);
        assert_eq!(cut["status"], 200);
        assert!(cut["broke"].is_string(), "{cut}");
        let unknown = load("once", to, &["--model", "gpt-4o-mini"]);
        assert_eq!(unknown["status"], 404);
    }
    let refused = load("closed", &addresses[0], &["--expect", "7", "--seconds", "0.05", "--warm", "0"]);
    assert_eq!(refused["replies"], 0);
    assert!(refused["errors"]["1024 bytes instead of 7"].as_u64().unwrap() > 0);
    drop(running);
}
