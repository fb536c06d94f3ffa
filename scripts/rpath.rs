//! Build script of the crates that link DuckDB: their binaries and tests find `libduckdb.so` in `.deps`, or beside
//! themselves once they are installed elsewhere.

#![expect(clippy::print_stdout, reason = "cargo listens on standard output")]

fn main() {
    let deps =
        option_env!("DUCKDB_LIB_DIR").unwrap_or(concat!(env!("CARGO_MANIFEST_DIR"), "/../.deps/duckdb"));
    println!("cargo::rerun-if-env-changed=DUCKDB_LIB_DIR");
    println!("cargo::rustc-link-arg=-Wl,-rpath,{deps}:$ORIGIN");
}
