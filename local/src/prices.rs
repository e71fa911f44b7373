//! `llm-gateway prices`: what applies to a model, and why.

use std::fmt::Write as _;

use gateway_core::config::Config;
use gateway_core::money::{Price, Rates};
use gateway_core::upstream::{Catalog, ModelRoute};

/// Picodollars per token in a dollar per million tokens.
const PER_DOLLAR: u64 = 1_000_000;

/// Tells what a model costs, or all that the configuration names.
///
/// # Errors
///
/// What is wrong with the configuration, or that there is no such model.
pub(crate) fn describe(config: &Config, model: Option<&str>) -> Result<String, Box<dyn std::error::Error>> {
    let catalog = Catalog::of(config)?;
    let mut text = String::new();
    let asked = model.map_or_else(|| catalog.models(), |model| vec![model]);
    for name in asked {
        match catalog.route(name) {
            Some(route) if name.ends_with('*') && !route.has_own_price() => {
                writeln!(text, "{name}\n  by each model's name; `llm-gateway prices MODEL` tells of one")?;
            }
            Some(route) => tell(&mut text, name, &route)?,
            None => return Err(format!("there is no model {name:?} in the configuration").into()),
        }
    }
    Ok(text.trim_end().to_owned())
}

fn tell(text: &mut String, name: &str, route: &ModelRoute) -> std::fmt::Result {
    writeln!(text, "{name}")?;
    let called = route.rename().unwrap_or(name);
    let provider = route.provider();
    match (route.price(), provider.vendor()) {
        (Some(price), _) if route.has_own_price() => {
            writeln!(text, "  by the configuration of models.{:?}", route.name())?;
            tell_price(text, price)
        }
        (Some(price), Some(vendor)) => {
            let added = if route.adds_to_price() {
                format!(", and as models.{:?}.price adds", route.name())
            } else {
                String::new()
            };
            writeln!(text, "  as {} publishes it for {called}{added}", vendor.name())?;
            tell_price(text, price)
        }
        (_, Some(vendor)) => writeln!(
            text,
            "  NO PRICE: {} publishes none that is known here for {called}; refused where a budget applies",
            vendor.name()
        ),
        (_, None) => writeln!(
            text,
            "  NO PRICE: models.{:?}.price and providers.{}.prices are not set; refused where a budget applies",
            route.name(),
            provider.name()
        ),
    }
}

fn tell_price(text: &mut String, price: &Price) -> std::fmt::Result {
    tell_rates(text, "", &price.rates)?;
    for (tokens, rates) in &price.above {
        tell_rates(text, &format!("above {tokens} tokens of input: "), rates)?;
    }
    for (tier, rates) in &price.tiers {
        tell_rates(text, &format!("{}: ", tier.name()), rates)?;
    }
    for (name, dollars) in &price.uses {
        writeln!(text, "  {name}: {dollars} for each use")?;
    }
    Ok(())
}

fn tell_rates(text: &mut String, when: &str, rates: &Rates) -> std::fmt::Result {
    writeln!(
        text,
        "  {when}input {}, output {}, cache write {} for 5 minutes and {} for an hour, cache read {}",
        dollars(rates.input),
        dollars(rates.output),
        dollars(rates.cache_write_5m),
        dollars(rates.cache_write_1h),
        dollars(rates.cache_read)
    )
}

/// Writes picodollars per token as dollars per million tokens, cents at least.
fn dollars(picodollars: u64) -> String {
    let decimals = format!("{:06}", picodollars % PER_DOLLAR);
    let decimals = decimals.trim_end_matches('0');
    format!("{}.{decimals:0<2}", picodollars / PER_DOLLAR)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn describe(document: &str, model: Option<&str>) -> String {
        let providers = "[providers.claude]\nkind = \"anthropic\"\napi_key = \"k\"\n\
                         [providers.own]\nkind = \"openai\"\nauth = \"none\"\nbase_url = \"http://10.0.0.1:8000/v1\"\n";
        let config = Config::load(&format!("{providers}{document}"), &()).unwrap();
        super::describe(&config, model).unwrap_or_else(|error| error.to_string())
    }

    #[test]
    fn tells_where_a_price_comes_from() {
        let models = "[models.\"claude-*\"]\nprovider = \"claude\"\n\
                      [models.mine]\nprovider = \"own\"\nprice = { input = \"0.10\", output = \"0.255\" }\n\
                      [models.other]\nprovider = \"own\"\n";
        let told = describe(models, Some("claude-haiku-4-5"));
        assert!(told.contains("as anthropic publishes it for claude-haiku-4-5"), "{told}");
        assert!(
            told.contains(
                "input 1.00, output 5.00, cache write 1.25 for 5 minutes and 2.00 for an hour, cache read 0.10"
            )
        );
        assert!(told.contains("batch: input 0.50"), "{told}");
        assert!(describe(models, Some("mine")).contains("input 0.10, output 0.255"));
        assert!(describe(models, Some("claude-unheard-of")).contains("NO PRICE: anthropic publishes none"));
        assert!(describe(models, Some("other")).contains("providers.own.prices are not set"));
        assert_eq!(describe(models, Some("gpt")), "there is no model \"gpt\" in the configuration");
        let all = describe(models, None);
        assert!(all.starts_with("claude-*\n  by each model's name") && all.contains("\nmine\n"), "{all}");
        assert_eq!(all.matches("NO PRICE").count(), 1, "of {all}");
    }

    #[test]
    fn tells_what_the_configuration_adds() {
        let models = "[models.\"claude-*\"]\nprovider = \"claude\"\n[models.\"claude-*\".price.uses]\nweb_search_requests = \"0.01\"\n";
        let told = describe(models, Some("claude-haiku-4-5"));
        assert!(told.contains("publishes it for claude-haiku-4-5, and as models.\"claude-*\".price adds"), "{told}");
        assert!(told.contains("input 1.00") && told.contains("web_search_requests: 0.01 for each use"), "{told}");
    }
}
