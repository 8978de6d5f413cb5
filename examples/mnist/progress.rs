//! The progress bar of an epoch.

use std::io::{IsTerminal, Write, stderr};
use std::time::{Duration, Instant};

/// Characters of the bar.
const WIDTH: usize = 30;

/// Time between two drawings.
const INTERVAL: Duration = Duration::from_millis(50);

/// A line on the terminal's standard error that shows how far an epoch is. Without a terminal it draws nothing.
pub(crate) struct Bar {
    epoch: u32,
    samples: usize,
    start: Instant,
    /// When the line was last drawn, and its length in characters.
    drawn: Option<(Instant, usize)>,
    visible: bool,
}

impl Bar {
    /// A bar for an epoch, counted from 1, of this many samples.
    pub(crate) fn new(epoch: u32, samples: usize) -> Self {
        Bar {
            epoch,
            samples,
            start: Instant::now(),
            drawn: None,
            visible: stderr().is_terminal(),
        }
    }

    /// Shows the samples done so far with a message behind them.
    pub(crate) fn show(&mut self, done: usize, message: &str) {
        let recent = self.drawn.is_some_and(|(at, _)| at.elapsed() < INTERVAL);
        if !self.visible || recent {
            return;
        }
        let line = self.line(done, self.start.elapsed(), message);
        let length = line.chars().count();
        let before = self.drawn.map_or(0, |(_, length)| length);
        // Spaces overwrite the rest of a longer line.
        self.print(&format!("\r{line:<before$}"));
        self.drawn = Some((Instant::now(), length));
    }

    /// Removes the line.
    pub(crate) fn clear(self) {
        if let Some((_, length)) = self.drawn {
            self.print(&format!("\r{:length$}\r", ""));
        }
    }

    fn line(&self, done: usize, elapsed: Duration, message: &str) -> String {
        let (epoch, samples) = (self.epoch, self.samples);
        let full = WIDTH * done.min(samples) / samples.max(1);
        let bar = "█".repeat(full) + &"░".repeat(WIDTH - full);
        let rate = done as f64 / elapsed.as_secs_f64().max(1e-9);
        format!("epoch {epoch} {bar} {done}/{samples} {rate:.0}/s {message}")
    }

    /// A bar that cannot be drawn is no reason to stop training.
    fn print(&self, text: &str) {
        let mut terminal = stderr().lock();
        let _ = terminal.write_all(text.as_bytes());
        let _ = terminal.flush();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_shows_the_share_and_the_rate() {
        let bar = Bar::new(2, 600);
        let second = Duration::from_secs(1);
        let (full, empty) = ("█".repeat(10), "░".repeat(20));
        assert_eq!(
            bar.line(200, second, "loss 0.5"),
            format!("epoch 2 {full}{empty} 200/600 200/s loss 0.5")
        );
        let full = "█".repeat(30);
        let line = bar.line(600, 2 * second, "");
        assert_eq!(line, format!("epoch 2 {full} 600/600 300/s "));
        // An empty epoch, and one that has not begun.
        let empty = "░".repeat(30);
        let line = Bar::new(1, 0).line(0, Duration::ZERO, "");
        assert_eq!(line, format!("epoch 1 {empty} 0/0 0/s "));
    }
}
