# The two commands: `make demo` runs the whole loop, `make test` passes every test. Both do all the set-up they need.
CARGO ?= cargo
export CARGO_TERM_COLOR ?= auto

.PHONY: demo test build lint fmt bench-train bench-gateway clean

demo: build ## the whole loop, offline, embedded defaults
	$(CARGO) run --quiet --package kolm-cli --bin kolm -- demo $(DEMO)

test: ## every test
	scripts/setup test
	$(CARGO) fmt --all --check
	$(CARGO) test --workspace --no-fail-fast

build:
	scripts/setup
	$(CARGO) build --package kolm-cli

lint: ## clippy and cargo-deny (where installed)
	scripts/setup
	$(CARGO) clippy --workspace --all-targets -- -D warnings
	@if command -v cargo-deny >/dev/null; then $(CARGO) deny check; else echo "lint: cargo-deny is not installed, skipped"; fi

fmt:
	$(CARGO) fmt --all

bench-train: ## accuracy and CPU time of the nano-label student on CLINC150
	scripts/setup
	$(CARGO) run --quiet --package kolm-trainer --example clinc -- $(BENCH)

bench-gateway: ## the gateway beside a direct call, nginx, a bare Pingora and its peers; BENCH=quick for a minute's worth
	scripts/setup peers
	$(CARGO) build --release --package kolm-cli --package kolm-bench
	target/release/kolm-bench run $(BENCH)

clean:
	$(CARGO) clean
	rm -rf .deps
