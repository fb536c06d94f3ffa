//! `kolm capture`: the proxy in capture-only mode, without a file.

use std::path::PathBuf;

use kolm_config::RawConfig;
use kolm_core::Env;

use crate::args::Capture;
use crate::report::Done;
use crate::source::Start;

/// Runs the gateway with one namespace and no rollout.
pub(crate) fn run(args: &Capture, env: &Env, data_dir: PathBuf, json: bool) -> Done {
    let namespace = crate::namespace(&args.namespace)?;
    let base_url = args.base_url.as_deref().unwrap_or("https://api.openai.com/v1");
    let text = format!(
        "default_namespace = \"{namespace}\"\n[listen]\naddress = \"127.0.0.1:{}\"\n[admin]\naddress = \"127.0.0.1:0\"\n\
         [upstreams.{}]\nbase_url = \"{base_url}\"\n[namespaces.\"{namespace}\"]\n",
        args.port, args.provider
    );
    let raw = RawConfig::parse("kolm capture", &text);
    let start = Start::given(&raw, &crate::env::outside(&data_dir))?;
    crate::up::serve(start, env, data_dir, (json, false))
}
