//! Trains a student on CLINC150 and prints what it does on the validation file, which training never sees.
//!
//! `cargo run -p kolm-trainer --example clinc -- [both|ngram] [SEED] [DATA_DIR]`

use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use kolm_core::{Clock, Entropy, Env, SeededEntropy, Timestamp};
use kolm_receipts::keys::SigningKey;
use kolm_trainer::{Branches, Event, Job, Spec, run};

struct Now(std::time::Instant);

impl Now {
    #[expect(clippy::disallowed_methods, reason = "an example is its own process: it brings the clock")]
    fn start() -> Self {
        Self(std::time::Instant::now())
    }
}

impl Clock for Now {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.elapsed().as_millis() as i64)
    }

    fn micros(&self) -> u64 {
        self.0.elapsed().as_micros() as u64
    }
}

/// CPU seconds of this process.
fn cpu() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or("").split_whitespace().collect();
    fields.iter().skip(11).take(2).filter_map(|t| t.parse::<f64>().ok()).sum::<f64>() / 100.0
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().collect();
    let arg = |i: usize, default: &'static str| args.get(i).map_or(default, String::as_str).to_owned();
    let data = arg(3, concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/data/clinc150"));
    let dir = std::env::temp_dir().join(format!("kolm-clinc-{}", std::process::id()));
    let clock = Now::start();
    let entropy: Arc<dyn Entropy> = Arc::new(SeededEntropy::new(0));
    let env = Env { clock: Arc::new(clock), entropy };
    let branches = if arg(1, "both") == "ngram" { Branches::NgramOnly } else { Branches::Both };
    let spec = Spec { branches, seed: arg(2, "7").parse()?, ..Spec::new("clinc", "bench".parse()?) };
    let job = Job {
        snapshot: Path::new(&data).join("train.jsonl"),
        eval: Some(Path::new(&data).join("val.jsonl")),
        out: dir.join("clinc.kolm"),
        dir: dir.clone(),
        spec,
    };
    let key = SigningKey::from_seed("bench", &[7; 32])?;
    let mut out = std::io::stdout().lock();
    let mut lines = Vec::new();
    let done = run(&job, &key, &env, &mut |event| lines.push((cpu(), env.clock.micros(), event)), &|| false)?;
    let mut epoch = 0.0;
    for (cpu, micros, event) in lines {
        match event {
            Event::Progress { valid, .. } if valid == epoch => {}
            Event::Progress { valid, step, loss, .. } => {
                epoch = valid;
                writeln!(
                    out,
                    "{:7.1} s cpu {cpu:6.1}  step {step} loss {loss:.3} valid {valid:.4}",
                    micros as f64 / 1e6
                )?;
            }
            Event::Checkpoint { .. } | Event::Done { .. } => {}
            Event::Phase { .. }
            | Event::Prepared { .. }
            | Event::Resumed { .. }
            | Event::Branch(_)
            | Event::Threshold(_) => {
                writeln!(out, "{:7.1} s cpu {cpu:6.1}  {event:?}", micros as f64 / 1e6)?;
            }
        }
    }
    writeln!(out, "{:#?}\nartifact bytes {}", done, std::fs::metadata(&done.path)?.len())?;
    writeln!(out, "wall {:.1} s, cpu {:.1} s", env.clock.micros() as f64 / 1e6, cpu())?;
    std::fs::remove_dir_all(&dir)?;
    Ok(())
}
