//! Bars, as SVG.

use std::fmt::Write;

const ROW: usize = 26;
const LEFT: usize = 150;
const WIDTH: usize = 420;

/// One bar for each name, the longest as wide as there is room.
pub(crate) fn bars(title: &str, values: &[(&str, f64)]) -> String {
    let most = values.iter().map(|(_, value)| *value).fold(1.0, f64::max);
    let (width, height) = (LEFT + WIDTH + 90, 40 + ROW * values.len());
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" font-family=\"sans-serif\" font-size=\"13\">\n\
         <rect width=\"{width}\" height=\"{height}\" fill=\"#fff\"/>\n<text x=\"10\" y=\"22\" font-weight=\"bold\">{title}</text>\n"
    );
    for (n, (name, value)) in values.iter().enumerate() {
        let (y, long) = (40 + n * ROW, value / most * WIDTH as f64);
        let colour = if name.starts_with("keyway") { "#2a6fbb" } else { "#9aa5b1" };
        // A text takes it.
        let _ = writeln!(
            svg,
            "<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{name}</text><rect x=\"{LEFT}\" y=\"{y}\" width=\"{long:.1}\" height=\"18\" fill=\"{colour}\"/><text x=\"{:.1}\" y=\"{}\">{value:.0}</text>",
            LEFT - 8,
            y + 14,
            LEFT as f64 + long + 6.0,
            y + 14
        );
    }
    svg + "</svg>\n"
}
