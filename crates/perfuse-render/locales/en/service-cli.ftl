### Commands of the daemon: help and errors.

help-serve = Watch services and this host: status, state, incidents and a page, until it is stopped
help-serve-config = Take the configuration from FILE [default: /etc/perfuse/perfuse.toml for root and ~/.config/perfuse/perfuse.toml for others, where it exists; without one this host and its listeners are watched]
help-serve-check-config = Only read the configuration and say what is wrong with it
help-serve-listen = Where the pages are served [default: of the configuration, else 127.0.0.1:7780]
help-serve-state-dir = Where the store is kept [default: of the configuration, else /var/lib/perfuse for root and ~/.local/state/perfuse for others]
help-serve-once = Make every check once, print the status, and end
help-serve-json = With --once: print the status as JSON (schema perfuse.status/1)
help-serve-after =
    SIGHUP reads the configuration again: with a mistake in it the one before stays in
    force. SIGTERM ends the daemon in order.

    Exit status: 0 ended in order, 2 usage error, wrong configuration or no start.
    With --once that of `perfuse status`.

    Examples:
      perfuse serve                              this host and its listeners, on 127.0.0.1:7780
      perfuse serve --config shop.toml --check-config
      perfuse serve --config shop.toml --once

help-status = Show the status of all components, as the daemon knows it
help-status-component = The component to show in full, with all its checks
help-status-watch = Stay and show every change
help-status-json = Print the status as JSON (schema perfuse.status/1), with --watch a document a line
help-status-after =
    Exit status: 0 operational or in maintenance, 1 degraded, 2 an outage or a usage error,
    3 unknown or no daemon. Of several components the worst counts.

    Examples:
      perfuse status
      perfuse status shop
      perfuse status --json | jq '.components[] | select(.state != "operational")'

help-check = One component as a Nagios plug-in says it
help-check-component = The component
help-check-now = Make its checks now, and wait for them
help-check-after =
    Exit status: 0 OK, 1 WARNING (degraded), 2 CRITICAL (an outage), 3 UNKNOWN.

    Example:
      perfuse check shop

help-incident = Show what happened, and why
help-incident-list = List incidents, the newest first
help-incident-list-limit = How many at most [default: 20]
help-incident-list-json = Print the list as JSON
help-incident-show = Show one incident: cause, timeline, numbers before and after
help-incident-show-id = Its name, as the list has it
help-incident-show-json = Print the incident as JSON (schema perfuse.incident/1)
help-maintenance = Begin, end and list maintenance: nobody is told, and nothing counts
help-maintenance-start = Begin maintenance now
help-maintenance-start-components = The components [default: all]
help-maintenance-start-for = How long: 30m, 2h [default: until it is stopped]
help-maintenance-start-reason = Why, for the pages
help-maintenance-start-all = All components
help-maintenance-stop = End maintenance that was begun by hand
help-maintenance-stop-what = Its number, or the component
help-maintenance-stop-all = All of it
help-maintenance-list = List what is under way and what is planned
help-maintenance-list-json = Print the list as JSON
help-maintenance-after =
    Examples:
      perfuse maintenance start shop --for 30m --reason "new disks"
      perfuse maintenance stop shop

error-service-config = { $count } mistakes in { $file }:
error-service-config-read = { $file }: { $problem }
error-service-no-state-dir = there is no place for the store: HOME is not set; `--state-dir` names one
error-service-none = no daemon answers ({ $places }); `perfuse serve` starts one
error-service-refused = { $path }: { $problem }; the socket is for root and the group of the daemon
error-service-version = the daemon is version { $version }, this program { $own }; restart the daemon
error-service-broken = the daemon does not answer: { $problem }
error-service-answer = the daemon gave an unexpected answer
note-service-config = { $file }: { $count } components, { $checks } checks, no mistakes
