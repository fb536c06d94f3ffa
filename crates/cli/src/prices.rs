//! `kolm prices`: what a token costs by the list in the binary, and by a configuration that knows better.

use std::collections::BTreeMap;
use std::path::Path;

use kolm_config::RawConfig;
use kolm_core::Exit;
use kolm_policies::price::{self, Price};
use serde_json::json;

use crate::args::Prices;
use crate::report::{Done, Failure, note, print_json, say};

/// A model, whether the list has it (its rows come last), where the price stands, and the price.
type Known = BTreeMap<(String, bool, String), Price>;

const LIST: &str = "list";

/// Prints the prices by model; a configuration's, which are in force, before the list's.
pub(crate) fn run(args: &Prices, data_dir: &Path, json: bool) -> Done {
    let mut known: Known = price::LIST.iter().map(|(model, price)| place(model, LIST, *price)).collect();
    known.extend(configured(args, data_dir)?);
    let wanted = args.model.as_deref().unwrap_or_default();
    // A dated name has its family's price.
    let family = price::undated(wanted);
    known.retain(|(model, ..), _| model.starts_with(wanted) || model == family);
    if known.is_empty() {
        note("no price of such a model is known; `[upstreams.NAME.prices]` of gateway.toml gives one");
    }
    if !json {
        say(format_args!(
            "{:<28} {:>9} {:>9} {:>9}  $ per million tokens, of",
            "model", "input", "cached", "output"
        ));
    }
    for ((model, _, source), price) in &known {
        if json {
            print_json(&json!({
                "model": model, "source": source,
                "input_usd_micros": price.input, "cached_usd_micros": price.cached, "output_usd_micros": price.output,
            }));
        } else {
            let [input, cached, output] = [price.input, price.cached, price.output].map(dollars);
            say(format_args!("{model:<28} {input:>9} {cached:>9} {output:>9}  {source}"));
        }
    }
    Ok(Exit::Ok)
}

fn place(model: &str, source: &str, price: Price) -> ((String, bool, String), Price) {
    ((model.to_owned(), source == LIST, source.to_owned()), price)
}

fn configured(args: &Prices, data_dir: &Path) -> Result<Known, Failure> {
    let Some(file) = &args.config else { return Ok(Known::new()) };
    let config = RawConfig::read(file).and_then(|raw| raw.check(&crate::env::outside(data_dir)))?;
    let of = |(name, upstream): (&String, &kolm_config::Upstream)| {
        let source = format!("upstreams.{name}");
        let prices = upstream.prices.iter();
        prices.map(|(model, price)| place(model, &source, *price)).collect::<Vec<_>>()
    };
    Ok(config.upstreams.iter().flat_map(of).collect())
}

/// µUSD per million tokens as dollars.
fn dollars(musd: u64) -> String {
    let text = format!("{}.{:06}", musd / 1_000_000, musd % 1_000_000);
    let cut = text.trim_end_matches('0');
    let shortest = text.find('.').map_or(0, |dot| dot + 3);
    text[..cut.len().max(shortest)].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_configured_price_comes_before_the_lists() {
        let price = |input| Price { input, cached: 0, output: 0 };
        let known =
            Known::from([place("gpt-4o", LIST, price(1)), place("gpt-4o", "upstreams.openai", price(2))]);
        assert_eq!(known.into_values().map(|price| price.input).collect::<Vec<_>>(), [2, 1]);
    }

    #[test]
    fn prices_are_written_with_two_digits_or_as_many_as_they_need() {
        for (musd, want) in
            [(150_000, "0.15"), (2_500_000, "2.50"), (75_000, "0.075"), (0, "0.00"), (1_000_001, "1.000001")]
        {
            assert_eq!(dollars(musd), want);
        }
    }
}
