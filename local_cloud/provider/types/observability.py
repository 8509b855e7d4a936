"""CloudWatch: log groups, metric filters, alarms, dashboards."""

from typing import Any

from local_cloud.provider.resource import AutoName, Resource, Setting, Tagging, To, names, same


def metric_query(query: dict[str, Any]) -> dict[str, Any]:
    """CloudWatch keeps what is asked for (the metric) apart from how (period, statistic, unit)."""
    metric = query.get("metric")
    if metric is None:
        return query
    named = {name: metric.get(name) for name in ("namespace", "metricName", "dimensions")}
    measured = {name: metric.get(name) for name in ("period", "stat", "unit")}
    rest = {name: value for name, value in query.items() if name != "metric"}
    return {**rest, "metricStat": {**measured, "metric": named}}


LOG_GROUP = Resource(
    type="aws:cloudwatch/logGroup:LogGroup",
    service="logs",
    name=AutoName(limit=512),
    inputs={**same("kmsKeyId logGroupClass"), "name": "logGroupName"},
    key={"logGroupName": "name", "logGroupNamePrefix": "name"},
    create="create_log_group",
    read="describe_log_groups",
    delete="delete_log_group",
    settings=(
        Setting(
            put="put_retention_policy",
            remove="delete_retention_policy",
            inputs=same("retentionInDays"),
            none=0,
        ),
    ),
    tagging=Tagging(tag="tag_resource", untag="untag_resource", key={"resourceArn": "arn"}),
    found="logGroups[?logGroupName=='{name}'] | [0]",
    id="{name}",
    # AWS answers with ":*" at the end; Pulumi's arn is without it.
    derived={"arn": "arn:aws:logs:{region}:{account}:log-group:{name}"},
    replace=names("name kmsKeyId logGroupClass"),
)

LOG_METRIC_FILTER = Resource(
    type="aws:cloudwatch/logMetricFilter:LogMetricFilter",
    service="logs",
    name=AutoName(limit=512),
    inputs={
        "logGroupName": "logGroupName",
        "name": "filterName",
        "pattern": "filterPattern",
        "applyOnTransformedLogs": "applyOnTransformedLogs",
        "metricTransformation": To(
            path="metricTransformations.0",
            rename={"name": "metricName", "namespace": "metricNamespace", "value": "metricValue"},
        ),
    },
    key={"logGroupName": "logGroupName", "filterName": "name", "filterNamePrefix": "name"},
    create="put_metric_filter",
    exists="describe_metric_filters",
    update=("put_metric_filter",),
    read="describe_metric_filters",
    delete="delete_metric_filter",
    found="metricFilters[?filterName=='{name}'] | [0]",
    id="{name}",
    replace=names("name logGroupName"),
    identity=("logGroupName", "name"),
)

METRIC_ALARM = Resource(
    type="aws:cloudwatch/metricAlarm:MetricAlarm",
    service="cloudwatch",
    name=AutoName(limit=255),
    inputs={
        **same("actionsEnabled alarmActions alarmDescription comparisonOperator datapointsToAlarm dimensions"),
        **same("evaluationPeriods extendedStatistic insufficientDataActions metricName namespace okActions"),
        **same("period statistic threshold thresholdMetricId treatMissingData unit"),
        "name": "AlarmName",
        "evaluateLowSampleCountPercentiles": "EvaluateLowSampleCountPercentile",
        "metricQueries": To(path="Metrics", convert=lambda queries: [metric_query(query) for query in queries]),
    },
    key={"AlarmNames.0": "name"},
    create="put_metric_alarm",
    exists="describe_alarms",
    update=("put_metric_alarm",),
    read="describe_alarms",
    delete="delete_alarms",
    tagging=Tagging(tag="tag_resource", untag="untag_resource", key={"ResourceARN": "arn"}),
    found="MetricAlarms | [0]",
    id="{name}",
    outputs={"arn": "AlarmArn"},
    replace=names("name"),
)

DASHBOARD = Resource(
    type="aws:cloudwatch/dashboard:Dashboard",
    service="cloudwatch",
    name=AutoName(property="dashboardName"),
    inputs=same("dashboardName dashboardBody"),
    key={"DashboardName": "dashboardName", "DashboardNames.0": "dashboardName"},
    create="put_dashboard",
    exists="get_dashboard",
    update=("put_dashboard",),
    read="get_dashboard",
    delete="delete_dashboards",
    id="{dashboardName}",
    outputs={"dashboardArn": "DashboardArn"},
    documents=names("dashboardBody"),
    replace=names("dashboardName"),
)

RESOURCES = (LOG_GROUP, LOG_METRIC_FILTER, METRIC_ALARM, DASHBOARD)
