# The two commands: `make demo` runs the whole loop, `make test` passes every test. Both do all the set-up they need.
CARGO ?= cargo
export CARGO_TERM_COLOR ?= auto

.PHONY: demo test test-engines build lint fmt fuzz memory sim bench-train bench-selective bench-gateway bench-shadow bench-anonymizer bench-copying train-crf clean

demo: build ## the whole loop, offline, embedded defaults
	$(CARGO) run --quiet --package kolm-cli --bin kolm -- demo $(DEMO)

test: ## every test
	scripts/setup test
	$(CARGO) fmt --all --check
	$(CARGO) test --workspace --no-fail-fast

test-engines: ## a pool of two real llama.cpp servers (built from source the first time: minutes)
	scripts/setup
	scripts/setup engines
	$(CARGO) test --package kolm-cli --test it engines::

build:
	scripts/setup
	$(CARGO) build --package kolm-cli

lint: ## clippy and cargo-deny (where installed)
	scripts/setup
	$(CARGO) clippy --workspace --all-targets -- -D warnings
	@if command -v cargo-deny >/dev/null; then $(CARGO) deny check; else echo "lint: cargo-deny is not installed, skipped"; fi

fmt:
	$(CARGO) fmt --all

fuzz: ## each fuzz target for a minute (FUZZ=seconds); what is found stands in tests/fuzz/artifacts
	scripts/setup fuzz
	@for target in sse request config; do mkdir -p target/fuzz/$$target && RUSTC_BOOTSTRAP=1 .deps/bin/cargo-fuzz run \
		--fuzz-dir tests/fuzz $$target target/fuzz/$$target tests/fuzz/corpus/$$target \
		-- -max_total_time=$(or $(FUZZ),60) -max_len=65536 -timeout=10 || exit 1; done

memory: ## the memory test with 100,000 requests
	scripts/setup
	KOLM_MEMORY_REQUESTS=100000 $(CARGO) test --package kolm-cli --test it memory -- --nocapture

sim: ## the gate simulated with 4,000 runs of each case, beside the figures of its design (SIM="--only whole" for one table)
	$(CARGO) run --quiet --package kolm-sim -- --runs 4000 --within 10 $(SIM)

bench-train: ## accuracy and CPU time of the nano-label student on CLINC150
	scripts/setup
	$(CARGO) run --quiet --package kolm-trainer --example clinc -- $(BENCH)

bench-selective: ## how much of CLINC150 the student answers itself, and how often like its teacher (BENCH="7 8 9" for more seeds)
	scripts/setup
	$(CARGO) run --quiet --package kolm-trainer --example selective -- $(BENCH)

bench-gateway: ## the gateway beside a direct call, nginx, a bare Pingora and its peers; BENCH=quick for a minute's worth
	scripts/setup peers
	$(CARGO) build --release --package kolm-cli --package kolm-bench
	$${CARGO_TARGET_DIR:-target}/release/kolm-bench run $(BENCH)

bench-shadow: ## what a shadow costs the clients: off, on, with a student that hangs, with one that fails
	scripts/setup
	$(CARGO) build --release --package kolm-cli --package kolm-bench
	$${CARGO_TARGET_DIR:-target}/release/kolm-bench shadow $(BENCH)

train-crf: ## the model of names and places: trains it anew and writes policies/data/{ner,names}.bin, byte for byte the same
	$(CARGO) run --release --package kolm-ner --bin train-ner

bench-anonymizer: ## how much the anonymizer masks and how fast, beside its peers; writes docs/benchmarks/anonymizer.md
	scripts/setup anonymizer-peers
	$(CARGO) run --quiet --release --package kolm-bench-anonymizer --features peers -- \
		--peers --page docs/benchmarks/anonymizer.md $(BENCH)

bench-copying: ## what a student learns to copy from surrogates and from tags; writes docs/benchmarks/copying.md
	$(CARGO) run --quiet --release --package kolm-bench-anonymizer -- --copying --page docs/benchmarks/copying.md $(BENCH)

clean:
	$(CARGO) clean
	rm -rf .deps
