//! `kolm inspect`: what is inside an artifact.

use std::path::Path;

use kolm_artifact::{Artifact, Trust};
use kolm_core::Exit;

use crate::report::{Done, print_json, say};

/// Prints manifest and members of `path`.
pub(crate) fn run(path: &Path, json: bool) -> Done {
    let artifact = Artifact::open(path, &Trust::integrity())?;
    let manifest = artifact.manifest();
    if json {
        print_json(&serde_json::json!({
            "identity": artifact.identity(), "bytes": artifact.file_bytes(), "manifest": manifest
        }));
        return Ok(Exit::Ok);
    }
    say(format_args!("{}  {}", manifest.name, artifact.identity()));
    say(format_args!(
        "  task {}, created {}, {} bytes",
        manifest.task,
        manifest.created,
        artifact.file_bytes()
    ));
    say(format_args!("  teacher {} {}", manifest.teacher.provider, manifest.teacher.model));
    say(format_args!("  trained on {} pairs, held out {}", manifest.data.n_train, manifest.data.n_eval));
    say(format_args!("  abstains below confidence {:.3}", f64::from(manifest.cascade.tau_ppm) / 1e6));
    for axis in &manifest.eval.axes {
        say(format_args!(
            "  axis {:?} {} ({}..{}), n = {}",
            axis.axis, axis.value_ppm, axis.lcb_ppm, axis.ucb_ppm, axis.n
        ));
    }
    for member in &manifest.members {
        say(format_args!("  {:>10}  {}", member.size, member.path));
    }
    Ok(Exit::Ok)
}
