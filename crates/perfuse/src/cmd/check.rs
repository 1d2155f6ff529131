//! `perfuse check`: one component as a Nagios plug-in says it.

use perfuse_render::status;
use perfuse_service::daemon::control::{Answer, Ask};

use crate::cli::CheckArgs;
use crate::cmd::daemon::{self, UNKNOWN};
use crate::console::{self, Console};

/// Runs the command. Whatever goes wrong is unknown, and said where a monitoring system reads.
pub(crate) fn run(args: &CheckArgs, console: &Console) -> anyhow::Result<u8> {
    match ask(args, console) {
        Ok((line, status)) => {
            console::print(&line)?;
            Ok(status)
        }
        Err(problem) => {
            console::print(&format!("PERFUSE UNKNOWN: {}\n", problem.replace(['\n', '|'], " ")))?;
            Ok(UNKNOWN)
        }
    }
}

fn ask(args: &CheckArgs, console: &Console) -> Result<(String, u8), String> {
    let mut client = daemon::connect(console)?;
    let mut asked = |ask| match client.ask(&daemon::call(ask, console)) {
        Ok(Answer::Refused(problem)) => Err(problem),
        Ok(answer) => Ok(answer),
        Err(error) => Err(error.to_string()),
    };
    if args.now {
        asked(Ask::Check { component: args.component.clone() })?;
    }
    let answer = asked(Ask::Status { component: Some(args.component.clone()), follow: false })?;
    let Answer::Status(report) = answer else { return Err(console.texts.word("error-service-answer")) };
    let component = report.component(&args.component).ok_or_else(|| console.texts.word("error-service-answer"))?;
    Ok(status::nagios(component, report.time, console.texts))
}
