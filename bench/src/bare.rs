//! The yardstick: Pingora with nothing in it but the upstream's address.
//!
//! **Invariant:** no filter, no log, no header of its own; threads and pool as the gateway has them.

use std::net::SocketAddr;

use async_trait::async_trait;
use pingora::proxy::{ProxyHttp, Session, http_proxy_service};
use pingora::server::Server;
use pingora::server::configuration::ServerConf;
use pingora::upstreams::peer::HttpPeer;

/// Idle upstream connections that are kept, as in the gateway's `server.rs`.
const POOL: usize = 512;

struct Bare {
    upstream: SocketAddr,
}

#[async_trait]
impl ProxyHttp for Bare {
    type CTX = ();

    fn new_ctx(&self) {}

    async fn upstream_peer(&self, _session: &mut Session, _ctx: &mut ()) -> pingora::Result<Box<HttpPeer>> {
        Ok(Box::new(HttpPeer::new(self.upstream, false, String::new())))
    }
}

/// Serves until the process is ended.
pub(crate) fn run(listen: SocketAddr, upstream: SocketAddr, threads: usize) {
    let conf = ServerConf { threads, upstream_keepalive_pool_size: POOL, ..ServerConf::default() };
    let mut server = Server::new_with_opt_and_conf(None, conf);
    server.bootstrap();
    let mut service = http_proxy_service(&server.configuration, Bare { upstream });
    service.add_tcp(&listen.to_string());
    server.add_service(service);
    server.run_forever();
}
