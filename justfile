# Short names; `cargo test --all-features` is the judge, `.ci/run` runs everything.

export RUSTDOCFLAGS := "-Dwarnings"

check:
    cargo fmt --check && cargo clippy --all-targets --all-features -- -D warnings
    cargo doc --no-deps --all-features

test *ARGS:
    cargo test --all-features {{ARGS}}

full:
    .ci/run

bench ROOM:
    cargo bench --all-features --bench {{ROOM}}

fuzz TARGET SECONDS="60":
    cargo +nightly fuzz run {{TARGET}} -- -max_total_time={{SECONDS}}

miri ROOM:
    cargo +nightly miri test --lib {{ROOM}}

deny:
    cargo deny check bans licenses sources
