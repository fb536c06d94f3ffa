//! The charts: bars of requests a second, lines of the frontier.
//!
//! **Invariant:** a chart shows nothing that its table does not say in digits.

use std::path::Path;

use plotters::prelude::*;

use crate::cases::Case;
use crate::contest::Who;
use crate::fault::Result;
use crate::results::Results;

const WIDTH: u32 = 860;
const BAR: i32 = 18;
const NAMES: i32 = 190;
const VALUES: i32 = 150;
const TEXT: (&str, u32) = ("sans-serif", 13);
const TITLE: (&str, u32) = ("sans-serif", 15);

/// Bars of the median requests a second at saturation.
pub(crate) fn throughput(results: &Results, to: &Path) -> Result<()> {
    let cases = [Case::Saturation1k, Case::Saturation100k];
    let who: Vec<Who> = results.served().collect();
    let block = i32::try_from(who.len())? * (BAR + 6) + 40;
    let height = u32::try_from(block * 2 + 10)?;
    let area = SVGBackend::new(to, (WIDTH, height)).into_drawing_area();
    area.fill(&WHITE)?;
    for (number, case) in cases.into_iter().enumerate() {
        let top = i32::try_from(number)? * block + 10;
        area.draw(&Text::new(
            format!("{}: requests a second, median of rounds", case.title()),
            (10, top),
            TITLE,
        ))?;
        let rate = |who| results.each(who, case, |row| row.counted.rate).map_or(0.0, |rate| rate.median);
        let most = who.iter().map(|who| rate(*who)).fold(1.0, f64::max);
        for (line, who) in who.iter().enumerate() {
            let y = top + 26 + i32::try_from(line)? * (BAR + 6);
            let full = f64::from(i32::try_from(WIDTH)? - NAMES - VALUES);
            let length = (full * rate(*who) / most).round() as i32;
            area.draw(&Text::new(who.name(), (10, y + 2), TEXT))?;
            area.draw(&Rectangle::new(
                [(NAMES, y), (NAMES + length.max(1), y + BAR)],
                colour(*who).filled(),
            ))?;
            area.draw(&Text::new(label(results, *who, case, rate(*who)), (NAMES + length + 8, y + 2), TEXT))?;
        }
    }
    area.present()?;
    Ok(())
}

fn label(results: &Results, who: Who, case: Case, rate: f64) -> String {
    let ratio = results.against((who, Who::Bare), case, |row| row.counted.rate, |a, b| a / b);
    let ratio = ratio.map(|ratio| format!(" ({:.2} x bare)", ratio.median)).unwrap_or_default();
    format!("{rate:.0}{ratio}")
}

/// Lines of the 99th percentile over the rate that was kept; false where nothing was measured.
pub(crate) fn frontier(results: &Results, to: &Path) -> Result<bool> {
    let most = results.frontier.iter().map(|row| row.counted.rate).fold(0.0, f64::max);
    if most <= 0.0 {
        return Ok(false);
    }
    let area = SVGBackend::new(to, (WIDTH, 420)).into_drawing_area();
    area.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&area)
        .caption("1 kB, open loop: 99th percentile over the rate kept", TITLE)
        .margin(12)
        .x_label_area_size(40)
        .y_label_area_size(60)
        .build_cartesian_2d(0.0..most * 1.05, (0.05..1_000.0).log_scale())?;
    chart.configure_mesh().x_desc("requests a second").y_desc("p99, ms").label_style(TEXT).draw()?;
    for who in results.served() {
        let points: Vec<(f64, f64)> = results
            .frontier
            .iter()
            .filter(|row| row.who == who)
            .map(|row| (row.counted.rate, (row.counted.latency_us.p99 / 1_000.0).clamp(0.05, 1_000.0)))
            .collect();
        if !points.is_empty() {
            let colour = colour(who);
            chart
                .draw_series(LineSeries::new(points, colour.stroke_width(2)).point_size(3))?
                .label(who.name())
                .legend(move |(x, y)| Rectangle::new([(x, y - 2), (x + 16, y + 2)], colour.filled()));
        }
    }
    chart.configure_series_labels().background_style(WHITE).border_style(BLACK).label_font(TEXT).draw()?;
    area.present()?;
    Ok(true)
}

const fn colour(who: Who) -> RGBColor {
    match who {
        Who::Direct => RGBColor(150, 150, 150),
        Who::Nginx => RGBColor(0, 130, 70),
        Who::Bare => RGBColor(60, 100, 190),
        Who::Envoy => RGBColor(170, 80, 190),
        Who::KolmProxy => RGBColor(240, 160, 60),
        Who::Kolm => RGBColor(210, 70, 30),
        Who::LiteLlm => RGBColor(110, 110, 60),
        Who::Portkey => RGBColor(60, 150, 160),
        Who::TensorZero => RGBColor(120, 80, 50),
    }
}
