//! Gathers faults and warnings; knows that a floor is a fault in production and a warning in development.

use std::fmt::Display;

use super::faults::Faults;
use super::layers::Origins;

/// The state of one pass over the settings.
pub(super) struct Checker<'a> {
    pub(super) dev: bool,
    pub(super) origins: &'a Origins,
    pub(super) faults: Faults,
    pub(super) warnings: Vec<String>,
}

impl Checker<'_> {
    /// Cannot work at all.
    pub(super) fn fault(&mut self, key: &str, problem: impl Into<String>) {
        self.faults.push(key, problem);
    }

    /// Works, but the operator should know.
    pub(super) fn warn(&mut self, key: &str, text: impl Display) {
        self.warnings.push(format!("{key}: {text}"));
    }

    /// Weaker than what is safe: refused outside development.
    pub(super) fn below_floor(&mut self, key: &str, problem: impl Display) {
        if self.dev {
            self.warn(key, format_args!("{problem}; production refuses this"));
        } else {
            self.fault(key, problem.to_string());
        }
    }

    /// Holds a value between two limits of safety.
    pub(super) fn check_floor<T: PartialOrd + Display>(&mut self, key: &str, value: T, (least, most): (T, T)) {
        if let Some(problem) = compare_limits(&value, &least, &most) {
            self.below_floor(key, problem);
        }
    }

    /// Holds a value between two limits of sense, in development as well.
    pub(super) fn check_range<T: PartialOrd + Display>(&mut self, key: &str, value: T, (least, most): (T, T)) {
        if let Some(problem) = compare_limits(&value, &least, &most) {
            self.fault(key, problem);
        }
    }

    /// Names a value that is allowed and above what is recommended.
    pub(super) fn check_advice<T: PartialOrd + Display>(&mut self, key: &str, value: T, advised: T) {
        let named_already = self.warnings.last().is_some_and(|last| last.starts_with(&format!("{key}:")));
        if value > advised && !named_already && !self.faults.covers(key) {
            self.warn(key, format_args!("{value} is weaker than the default of {advised}"));
        }
    }
}

fn compare_limits<T: PartialOrd + Display>(value: &T, least: &T, most: &T) -> Option<String> {
    if value < least {
        Some(format!("{value} is too little; at least {least}"))
    } else if value > most {
        Some(format!("{value} is too much; at most {most}"))
    } else {
        None
    }
}
