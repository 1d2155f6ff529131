//! `--switch-on` and `--switch-off`: samples between two events.

use perfuse_format::perfdata::PerfData;

use super::options::Options;

/// Which samples are looked at, as events switch that on and off.
#[derive(Debug)]
pub(super) struct Switch {
    on: Option<usize>,
    off: Option<usize>,
    /// Whether samples are left out at present.
    is_off: bool,
    /// Whether the samples that switch are shown.
    shows_switches: bool,
}

impl Switch {
    /// The switch of a command line; the error names what no event of the recording is called.
    pub(super) fn new(options: &Options, data: &PerfData<'_>) -> Result<Self, String> {
        let find = |name: &Option<String>, which: &str| {
            let Some(name) = name else { return Ok(None) };
            let found = data.events.iter().position(|event| event.name == *name);
            found.map(Some).ok_or_else(|| format!("switch-{which} event not found ({name})"))
        };
        let (on, off) = (find(&options.switch_on, "on")?, find(&options.switch_off, "off")?);
        Ok(Self { on, off, is_off: on.is_some(), shows_switches: options.show_switches })
    }

    /// Whether a sample of an event is looked at.
    pub(super) fn passes(&mut self, event: usize) -> bool {
        if self.on.is_some() && self.is_off {
            if self.on != Some(event) {
                return false;
            }
            self.is_off = false;
            return self.shows_switches;
        }
        if self.off == Some(event) && !self.is_off {
            self.is_off = true;
            if !self.shows_switches {
                return false;
            }
        }
        !self.is_off
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_pass_between_the_events() {
        let passes = |on, off, shows_switches, events: &[usize]| {
            let mut switch = Switch { on, off, is_off: on.is_some(), shows_switches };
            events.iter().map(|&event| if switch.passes(event) { '+' } else { '-' }).collect::<String>()
        };
        assert_eq!(passes(Some(1), Some(2), false, &[0, 1, 0, 0, 2, 0, 1, 0]), "--++---+");
        assert_eq!(passes(Some(1), None, true, &[0, 1, 0, 1]), "-+++");
        assert_eq!(passes(None, Some(2), false, &[0, 2, 0]), "+--");
        assert_eq!(passes(None, None, false, &[0, 1]), "++");
    }
}
