//! Tells the linker where the tests of this crate find `libduckdb.so` when they run.

fn main() {
    let dir =
        option_env!("DUCKDB_LIB_DIR").unwrap_or(concat!(env!("CARGO_MANIFEST_DIR"), "/../../.deps/duckdb"));
    println!("cargo::rerun-if-env-changed=DUCKDB_LIB_DIR");
    println!("cargo::rustc-link-arg=-Wl,-rpath,{dir}");
}
