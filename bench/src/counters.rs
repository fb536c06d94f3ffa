//! What the gateway itself counted: captures taken and dropped, receipts degraded.
//!
//! **Invariant:** only totals are read; a gateway that does not answer has none.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use crate::fault::Result;

/// Counters that say whether everything was really on.
const WANTED: [&str; 3] =
    ["kolm_capture_accept_total", "kolm_capture_drop_total", "kolm_receipt_degrade_total"];
const PATIENCE: Duration = Duration::from_secs(5);

/// Reads the counters off `/metrics`, each with all its labels as one.
pub(crate) fn read(admin: SocketAddr) -> Vec<(String, f64)> {
    fetch(admin, "/metrics").map(|text| totals(&text)).unwrap_or_default()
}

/// A page of the admin port, its head included.
pub(crate) fn fetch(admin: SocketAddr, path: &str) -> Result<String> {
    let mut stream = TcpStream::connect_timeout(&admin, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(format!("GET {path} HTTP/1.0\r\nhost: {admin}\r\n\r\n").as_bytes())?;
    let mut text = String::new();
    stream.read_to_string(&mut text)?;
    Ok(text)
}

fn totals(text: &str) -> Vec<(String, f64)> {
    let sum = |name: &str| {
        let lines = text.lines().filter_map(|line| line.strip_prefix(name));
        lines
            .filter(|rest| rest.starts_with(['{', ' ']))
            .filter_map(|rest| rest.rsplit(' ').next()?.parse::<f64>().ok())
            .sum::<f64>()
            // The sum of nothing is -0.0.
            .abs()
    };
    WANTED.iter().map(|name| ((*name).to_owned(), sum(name))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_added_up() {
        let text = "# HELP kolm_capture_drop_total x\nkolm_capture_accept_total 7\nkolm_capture_drop_total{reason=\"a b\"} 2\n\
                    kolm_capture_drop_total{reason=\"c\"} 3\nkolm_capture_drop_total_more 9\n";
        let expected = [
            ("kolm_capture_accept_total", 7.0),
            ("kolm_capture_drop_total", 5.0),
            ("kolm_receipt_degrade_total", 0.0),
        ];
        assert!(totals(text).iter().all(|(_, total)| total.is_sign_positive()));
        assert_eq!(totals(text), expected.map(|(name, value)| (name.to_owned(), value)));
    }
}
