### Words of generated dashboards and rules, and of the command that makes them.

help-generate = Print a Grafana dashboard or Prometheus alert rules for what perfuse exposes
help-generate-what = grafana: a dashboard to import; alert-rules: a file for rule_files of Prometheus

generate-dashboard = Hosts by the USE method
generate-source = Data source
generate-host = Host
generate-overview = Overview
generate-healthy = Healthy
generate-yes = yes
generate-no = no
generate-unknown = unknown
generate-verdicts = Cells that are a bottleneck or have errors
generate-controls = Resource controls that hold work up
generate-findings = Thread wait by finding, in seconds a second
generate-explain = What it means and what to do: perfuse explain { $id }
generate-summary = { $title } on { $host }: bottleneck or errors
generate-description = On the host, perfuse use --cell { $id } shows it now, and perfuse explain { $id } says what to do. Who can change it: { $who }.
generate-absent = No host sends metrics of perfuse
generate-absent-note = Either no target of Prometheus is one of perfuse, or none of them answers.
generate-components = Components that are out or degraded
generate-component-out = { $component } on { $host }: outage
generate-component-degraded = { $component } on { $host }: degraded
generate-component-budget = { $component } on { $host }: the error budget is used up
generate-component-note = On the host, perfuse incident list shows what happened and why.
