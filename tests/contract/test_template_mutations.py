"""Each guarantee of template.yaml is broken in a copy of it, and the check that stands for it notices."""

import copy
from collections.abc import Mapping, Sequence
from typing import Any, Final

import pytest

from tests.support.deployed import TEMPLATE
from tests.support.mutations import Mutation, besides, instead, more, reworded, without
from tests.support.template_checks import (
    CHECKS,
    Check,
    alarms,
    dashboard,
    entrance,
    functions,
    names,
    outputs,
    parameters,
    permissions,
    queries,
    queues,
    rollout,
    stores,
    versions,
)

GROUPS: Final = "Metadata/AWS::CloudFormation::Interface/ParameterGroups"
SOURCE: Final = "ConsumerFunction/Events/Queue/Properties"
BODY: Final = "Dashboard/DashboardBody/Fn::Sub/0"
OF_THE_RECONCILER: Final = "Dashboard/DashboardBody/Fn::Sub/1/{}OfTheReconciler/Fn::If"
LOG_FORMAT: Final = "WebhookApi/AccessLogSettings/Format"
STATEMENTS: Final = "Policies/0/PolicyDocument/Statement"
OF_AN_ALIAS: Final = ("AutoPublishAlias", "DeploymentPreference", "VersionDescription", "VersionDeletionPolicy")
ROLE: Final[Mapping[str, Any]] = {"Fn::GetAtt": ["IngestRole", "Arn"]}
PERMISSION: Final[Mapping[str, Any]] = {
    "Action": "lambda:InvokeFunction",
    "FunctionName": {"Ref": "IngestFunction"},
    "Principal": "sns.amazonaws.com",
    "SourceArn": {"Ref": "AlarmTopic"},
}

BROKEN: Final[Mapping[Check, Sequence[Mutation]]] = {
    # --- Parameters ------------------------------------------------------------------------------
    parameters.parameters_are_explained: [
        without("Parameters/AlarmEmail/ConstraintDescription"),
        without("Parameters/RunbookUrl/Description"),
        without("Parameters/DomainName/AllowedPattern"),
    ],
    parameters.defaults_are_allowed: [
        instead("Parameters/AcceptedSchemes/Default", "all"),
        instead("Parameters/EventRetentionDays/Default", 7),
        instead("Parameters/Rollout/Default", "Canary10Percent20Minutes"),
    ],
    parameters.an_allow_list_is_one_that_ingest_can_read: [
        instead("Parameters/SourceAllowList/AllowedPattern", r"^[0-9./]*$"),
        instead("Parameters/SourceAllowList/AllowedPattern", r"^.*$"),
    ],
    parameters.patterns_are_of_the_whole_value: [reworded("Parameters/AlarmEmail/AllowedPattern", "+$", "+")],
    parameters.each_parameter_stands_in_one_group: [
        without(f"{GROUPS}/6/Parameters/AlarmEmail"),
        more(f"{GROUPS}/0/Parameters", "SnapStart"),
        more(f"{GROUPS}/0/Parameters", "Retired"),
    ],
    parameters.each_parameter_is_used: [
        instead("WebhookApi/DefaultRouteSettings/ThrottlingBurstLimit", 1000),
        without(f"{SOURCE}/ScalingConfig"),
    ],
    parameters.each_condition_is_used: [without("Resources/WebhookDomainRecord/Condition")],
    parameters.rules_are_about_parameters: [
        instead("Rules/DomainNeedsCertificate/RuleCondition/Fn::Not/0/Fn::Equals/0/Ref", "WebhookDomain")
    ],
    parameters.wrong_combinations_are_refused: [
        without("Rules/DomainNeedsCertificate"),
        without("Rules/CertificateNeedsDomain"),
        without("Rules/HostedZoneNeedsDomain"),
        without("Rules/MutualTlsNeedsDomain"),
        without("Rules/TruststoreVersionNeedsTruststore"),
        instead("Rules/MutualTlsNeedsDomain/Assertions/0/AssertDescription", "No."),
    ],
    parameters.right_combinations_are_accepted: [without("Rules/MutualTlsNeedsDomain/RuleCondition")],
    # --- Names -----------------------------------------------------------------------------------
    names.every_name_is_one_of_this_stack: [
        without("Resources/IngestVersionDurationAlarm"),
        reworded("RelayVersionErrorsAlarm/AlarmDescription/Fn::Sub", "RunbookUrl", "Runbook"),
        without("Conditions/HasAlarmEmail"),
    ],
    names.nothing_has_a_name_that_a_second_stack_would_want: [
        besides("EventTable/TableName", "wickiepay-events"),
        besides("IngestFunction/FunctionName", "wickiepay-ingest"),
        besides("IngestLogs/LogGroupName", "/wickiepay/ingest"),
        without("RelayFunction/Events/EveryMinute/Properties/OmitName"),
        without("WickiePayLayer/LayerName"),
        besides("Resources/Bucket", {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "wickiepay"}}),
    ],
    # --- The API ---------------------------------------------------------------------------------
    entrance.one_path_is_open: [
        instead("IngestFunction/Events/Delivery/Properties/Path", "/{proxy+}"),
        instead("IngestFunction/Events/Delivery/Properties/PayloadFormatVersion", "1.0"),
    ],
    entrance.whatever_calls_a_function_calls_its_alias: [
        without(*(f"RelayFunction/{name}" for name in OF_AN_ALIAS)),
        besides("Resources/Another", {"Type": "AWS::Lambda::Permission", "Properties": PERMISSION}),
        without("RelayFunction/Events/EveryMinute"),
    ],
    entrance.ingest_answers_while_the_api_waits: [instead("IngestFunction/Timeout", 30)],
    entrance.requests_are_limited_as_the_parameters_say: [
        without("WebhookApi/DefaultRouteSettings/ThrottlingRateLimit"),
        without("WebhookApi/DefaultRouteSettings"),
    ],
    entrance.the_access_log_holds_nothing_but_what_is_allowed: [
        reworded(LOG_FORMAT, "$context.path", "$request.header.x-webhook-signature"),
        reworded(LOG_FORMAT, "$context.path", "$context.authorizer.error"),
        reworded(LOG_FORMAT, "$context.path", "$request.querystring"),
    ],
    entrance.the_access_log_is_json: [
        instead(LOG_FORMAT, '["$context.path", "$context.status"]'),
        reworded(LOG_FORMAT, '"$context.responseLatency"', "$context.responseLatency"),
    ],
    entrance.mutual_tls_leaves_no_other_door_open: [
        without("WebhookApi/DisableExecuteApiEndpoint"),
        instead("WebhookApi/DisableExecuteApiEndpoint/Fn::If/0", "HasDomain"),
    ],
    entrance.clients_are_asked_for_certificates_where_there_is_a_truststore: [
        without("WebhookDomain/MutualTlsAuthentication"),
        instead("WebhookDomain/MutualTlsAuthentication/Fn::If/0", "HasDomain"),
    ],
    entrance.the_domain_takes_no_tls_below_1_2: [
        instead("WebhookDomain/DomainNameConfigurations/0/SecurityPolicy", "TLS_1_0")
    ],
    # --- The functions ---------------------------------------------------------------------------
    functions.these_are_all_the_functions: [besides("Resources/Function", TEMPLATE["Resources"]["PreTrafficFunction"])],
    functions.the_environment_is_what_the_code_reads: [
        without("IngestFunction/Environment/Variables/ACCEPTED_SCHEMES"),
        without("PreTrafficFunction/Environment/Variables/RELAY_VERSION"),
        without("ConsumerFunction/Environment/Variables/POWERTOOLS_METRICS_NAMESPACE"),
        besides("RelayFunction/Environment/Variables/LEDGER_TABLE", {"Ref": "LedgerTable"}),
    ],
    functions.each_function_writes_to_a_log_group_of_its_own: [
        without("RelayFunction/LoggingConfig"),
        instead("RelayFunction/LoggingConfig/LogGroup/Ref", "IngestLogs"),
        instead("RelayFunction/LoggingConfig/LogFormat", "Text"),
    ],
    functions.logs_are_kept_as_long_as_the_parameter_says: [
        without("ConsumerLogs/RetentionInDays"),
        instead("ApiAccessLogs/RetentionInDays", 3653),
    ],
    functions.somebody_is_told_when_a_function_fails: [
        without("Resources/RelayErrorsAlarm"),
        without("Resources/ReconcilerErrorsAlarm"),
        without("PreTrafficErrorsAlarm/AlarmActions"),
        instead("ConsumerErrorsAlarm/Dimensions/0/Value/Ref", "IngestFunction"),
    ],
    functions.runs_of_the_reconciler_never_meet: [
        instead("ReconcilerFunction/Events/EveryHour/Properties/ScheduleExpression", "rate(1 hour)"),
        instead("ReconcilerFunction/Events/EveryHour/Properties/ScheduleExpression", "cron(30 * * * ? *)"),
        instead("ReconcilerFunction/Events/EveryNight/Properties/ScheduleExpression", "cron(59 2 * * ? *)"),
        instead("ReconcilerFunction/EventInvokeConfig/MaximumRetryAttempts", 1),
        instead("ReconcilerFunction/EventInvokeConfig/MaximumEventAgeInSeconds", 1200),
        without("ReconcilerFunction/EventInvokeConfig/MaximumRetryAttempts"),
        without("ReconcilerFunction/EventInvokeConfig/MaximumEventAgeInSeconds"),
    ],
    functions.payments_are_compared_in_the_night_alone: [
        reworded("ReconcilerFunction/Events/EveryNight/Properties/Input/Fn::Sub", "payments", "payment"),
        reworded("ReconcilerFunction/Events/EveryHour/Properties/Input", "}", ', "payments": true}'),
    ],
    functions.reserving_is_for_who_asks_for_it: [
        instead("IngestFunction/ReservedConcurrentExecutions", 100),
        besides("Globals/Function/ReservedConcurrentExecutions", 10),
    ],
    # --- Queues ----------------------------------------------------------------------------------
    queues.failures_are_reported_message_by_message: [without(f"{SOURCE}/FunctionResponseTypes")],
    queues.a_batch_is_what_the_consumer_has_threads_for: [
        instead(f"{SOURCE}/BatchSize", 100),
        without(f"{SOURCE}/BatchSize"),
    ],
    queues.a_batch_is_waited_for_as_long_as_the_parameter_says: [
        without(f"{SOURCE}/MaximumBatchingWindowInSeconds"),
    ],
    queues.batches_at_once_are_limited_by_the_parameter: [without(f"{SOURCE}/ScalingConfig")],
    queues.a_message_stays_hidden_while_it_is_worked_on: [
        instead("EventQueue/VisibilityTimeout", 180),
        instead("Parameters/ConsumerBatchingWindow/MaxValue", 300),
        without("EventQueue/VisibilityTimeout"),
        instead("ConsumerFunction/Timeout", 60),
    ],
    queues.what_is_given_up_becomes_a_dead_letter: [
        without("EventQueue/RedrivePolicy"),
        instead("EventQueue/RedrivePolicy/deadLetterTargetArn/Fn::GetAtt/0", "EventQueue"),
    ],
    queues.the_consumer_knows_its_last_try: [instead("EventQueue/RedrivePolicy/maxReceiveCount", 101)],
    queues.the_tries_take_about_a_day: [instead("EventQueue/RedrivePolicy/maxReceiveCount", 5)],
    queues.messages_are_kept_as_long_as_can_be: [
        instead("EventQueue/MessageRetentionPeriod", 345600),
        without("DeadLetterQueue/MessageRetentionPeriod"),
    ],
    queues.the_largest_message_fits: [instead("DeadLetterQueue/MaximumMessageSize", 262144)],
    queues.queues_take_nothing_without_tls: [
        without("Resources/DeadLetterQueueTlsOnly"),
        instead("EventQueueTlsOnly/PolicyDocument/Statement/0/Action", "sqs:SendMessage"),
        without("EventQueueTlsOnly/PolicyDocument/Statement/0/Condition"),
    ],
    # --- Stores ----------------------------------------------------------------------------------
    stores.what_holds_state_outlives_the_stack: [
        without("Resources/EventTable/DeletionPolicy"),
        without("Resources/LedgerTable/UpdateReplacePolicy"),
        instead("Resources/SigningSecret/DeletionPolicy", "Delete"),
        without("Resources/DeadLetterQueue/DeletionPolicy"),
    ],
    stores.tables_can_be_restored_to_any_second: [
        without("LedgerTable/PointInTimeRecoverySpecification"),
        instead("EventTable/PointInTimeRecoverySpecification/PointInTimeRecoveryEnabled", value=False),
    ],
    stores.finished_events_expire: [
        without("EventTable/TimeToLiveSpecification"),
        instead("EventTable/TimeToLiveSpecification/AttributeName", "expires"),
    ],
    stores.the_indexes_are_those_that_are_queried_and_one_for_operators: [
        without("EventTable/GlobalSecondaryIndexes/unsent"),
        instead("LedgerTable/GlobalSecondaryIndexes/0/IndexName", "by_account"),
    ],
    stores.everything_is_encrypted_with_the_customers_key: [
        instead("AlarmTopic/KmsMasterKeyId", "alias/aws/sns"),
        without("EventTable/SSESpecification"),
        without("DeadLetterQueue/KmsMasterKeyId"),
        without("SigningSecret/KmsKeyId"),
        without("EventBus/KmsKeyIdentifier"),
        without("RelayLogs/KmsKeyId"),
        without("ReconcilerLogs/KmsKeyId"),
        without("Globals/Function/KmsKeyArn"),
    ],
    stores.queues_are_encrypted_without_a_customers_key_too: [without("EventQueue/SqsManagedSseEnabled")],
    # --- Permissions -----------------------------------------------------------------------------
    permissions.roles_allow_what_there_is_a_reason_for_and_nothing_else: [
        more(f"IngestRole/{STATEMENTS}/RecordDeliveries/Action", "dynamodb:DeleteItem"),
        more(f"ConsumerRole/{STATEMENTS}/Announce/Resource", {"Fn::GetAtt": ["AlarmTopic", "Arn"]}),
        instead(f"RelayRole/{STATEMENTS}/FindTheUnsent/Resource", {"Fn::GetAtt": ["EventTable", "Arn"]}),
        without(f"IngestRole/{STATEMENTS}/WriteLogs"),
        without(f"ConsumerRole/{STATEMENTS}/TakeFromTheQueue/Action/sqs:DeleteMessage"),
        without(f"RelayRole/{STATEMENTS}/5"),  # the customer's key
        without(f"ReconcilerRole/{STATEMENTS}/ReadTheProvidersKey"),
    ],
    permissions.roles_name_every_action_and_resource_in_full: [
        instead(f"ConsumerRole/{STATEMENTS}/ApplyEffects/Action", "dynamodb:*"),
        instead(f"IngestRole/{STATEMENTS}/HandOver/Resource", "*"),
        instead(f"DeploymentRole/{STATEMENTS}/RunTheHook/Resource", "*"),
        instead(f"IngestRole/{STATEMENTS}/HandOver/Effect", "Deny"),
        besides(f"IngestRole/{STATEMENTS}/HandOver/NotAction", "sqs:DeleteQueue"),
    ],
    permissions.roles_are_taken_on_by_one_service_each: [
        instead("IngestRole/AssumeRolePolicyDocument/Statement/0/Principal", {"AWS": "*"}),
        instead("DeploymentRole/AssumeRolePolicyDocument/Statement/0/Principal/Service", "lambda.amazonaws.com"),
    ],
    permissions.permissions_come_from_roles_alone: [
        besides("IngestRole/ManagedPolicyArns", ["arn:aws:iam::aws:policy/AdministratorAccess"]),
        instead("RelayFunction/Role", ROLE),
        besides("Resources/Another", {"Type": "AWS::Lambda::Permission", "Properties": PERMISSION}),
        instead("EventQueueTlsOnly/PolicyDocument/Statement/0/Effect", "Allow"),
    ],
    permissions.roles_allow_the_attributes_that_the_code_names_and_no_others: [
        without(f"IngestRole/{STATEMENTS}/FlagTheUnsent/Condition"),
        more(f"RelayRole/{STATEMENTS}/ClearTheFlag/Condition/ForAllValues:StringEquals/dynamodb:Attributes", "state"),
        without(
            f"ConsumerRole/{STATEMENTS}/MarkEvents/Condition/ForAllValues:StringEquals/dynamodb:Attributes/expires_at"
        ),
        without(f"ConsumerRole/{STATEMENTS}/LookUpStates/Condition/StringEqualsIfExists"),
        without(f"ConsumerRole/{STATEMENTS}/AddToBalances/Condition"),
        more(
            f"ReconcilerRole/{STATEMENTS}/SeeWhichEventsTheyAre/Condition/ForAllValues:StringEquals/dynamodb:Attributes",
            "effects",
        ),
        without(f"ReconcilerRole/{STATEMENTS}/SeeWhatTheLedgerSaysOfPayments/Condition/ForAllValues:StringEquals"),
    ],
    permissions.the_reconciler_sees_nothing_of_the_ledger_but_payments: [
        without(f"ReconcilerRole/{STATEMENTS}/SeeWhatTheLedgerSaysOfPayments/Condition/ForAllValues:StringLike"),
        more(
            f"ReconcilerRole/{STATEMENTS}/SeeWhatTheLedgerSaysOfPayments/Condition/ForAllValues:StringLike/dynamodb:LeadingKeys",
            "balance#*",
        ),
    ],
    permissions.the_reconcilers_writes_touch_no_event: [
        without(f"ReconcilerRole/{STATEMENTS}/KeepNotes/Condition"),
        more(f"ReconcilerRole/{STATEMENTS}/KeepNotes/Condition/ForAllValues:StringEquals/dynamodb:LeadingKeys", "uuid"),
    ],
    # --- Versions --------------------------------------------------------------------------------
    versions.a_change_of_a_function_publishes_a_version: [without("ConsumerFunction/AutoPublishAliasAllProperties")],
    versions.a_change_of_the_layer_publishes_versions: [without("WickiePayLayer/PublishLambdaVersion")],
    versions.a_versions_description_names_the_parameters_that_the_function_depends_on: [
        reworded("IngestFunction/VersionDescription/Fn::Sub", "${SnapStart}", ""),
        reworded("ConsumerFunction/VersionDescription/Fn::Sub", "${Announcements}", ""),
        without("RelayFunction/VersionDescription"),
        reworded("IngestFunction/VersionDescription/Fn::Sub", "${SnapStart}", "${SnapStart} ${ThrottleRate}"),
        besides("RelayFunction/Environment/Variables/DAYS", {"Ref": "EventRetentionDays"}),
    ],
    versions.a_new_value_of_a_parameter_is_another_description: [
        instead("ConsumerFunction/VersionDescription", "the consumer"),
    ],
    versions.a_versions_description_fits: [
        instead("Parameters/SourceAllowList/MaxLength", 200),
        without("Parameters/AccountField/MaxLength"),
    ],
    # --- Rollout ---------------------------------------------------------------------------------
    rollout.every_rollout_is_one_of_codedeploys: [
        instead("Parameters/Rollout/AllowedValues/1", "Canary10Percent1Minute"),
        without("Parameters/Rollout/AllowedValues/AllAtOnce"),
    ],
    rollout.a_new_version_is_tried_before_it_has_deliveries: [
        without("IngestFunction/DeploymentPreference/Hooks"),
        without("ConsumerFunction/DeploymentPreference"),
    ],
    rollout.the_hook_tries_the_versions_that_are_published: [
        instead("PreTrafficFunction/Environment/Variables/RELAY_VERSION/Ref", "ConsumerFunction.Version"),
    ],
    rollout.a_version_that_fails_is_taken_back: [
        without("IngestFunction/DeploymentPreference/Alarms/0"),
        without("RelayFunction/DeploymentPreference/Alarms"),
    ],
    rollout.a_version_is_taken_back_for_its_own_doing_alone: [
        more("ConsumerFunction/DeploymentPreference/Alarms", {"Ref": "QueueAgeAlarm"}),
        more("IngestFunction/DeploymentPreference/Alarms", {"Ref": "ForgedAlarm"}),
        without("IngestVersionErrorsAlarm/Dimensions/ExecutedVersion"),
        instead("ConsumerVersionErrorsAlarm/Dimensions/FunctionName/Value/Ref", "RelayFunction"),
        instead("IngestVersionDurationAlarm/Threshold", 15000),
    ],
    alarms.the_topic_hears_the_alarms_of_this_account_alone_and_nothing_without_tls: [
        without("Resources/AlarmTopicPolicy"),
        without("AlarmTopicPolicy/PolicyDocument/Statement/0/Condition"),
        without("AlarmTopicPolicy/PolicyDocument/Statement/1"),
    ],
    rollout.that_a_version_is_refused_is_told: [
        without("IngestFunction/DeploymentPreference/TriggerConfigurations"),
    ],
    rollout.traffic_is_shifted_under_a_role_of_this_stack: [without("RelayFunction/DeploymentPreference/Role")],
    # --- Alarms ----------------------------------------------------------------------------------
    alarms.what_needs_a_person_has_an_alarm: [
        without("Resources/UnsentAlarm"),
        without("Resources/DeadLettersAlarm"),
        without("Resources/MissingEventsAlarm"),
        instead("EventsFailedAlarm/MetricName", "EventProcessed"),
    ],
    alarms.lean_monitoring_keeps_every_alarm_and_what_rings_it: [
        besides("Resources/ForgedAlarm/Condition", "MonitorsFully"),
        without("Resources/AnsweredDeliveries/Condition"),
        besides("Resources/ThrottledDeliveries/Condition", "MonitorsFully"),
    ],
    alarms.every_alarm_watches_a_metric_that_there_is: [
        instead("EventsFailedAlarm/MetricName", "EventsFailed"),
        instead("ApiErrorsAlarm/MetricName", "5XXError"),  # REST APIs have that one
        instead("ConsumerConflictAlarm/Dimensions/0/Value", "relay"),
        instead("UnsentAlarm/Namespace", "WickiePay"),
        without("DeadLettersAlarm/Dimensions"),
        instead("QueueAgeAlarm/Dimensions/0/Value", {"Fn::GetAtt": ["EventQueue", "Arn"]}),
        without("Resources/ThrottledDeliveries"),
    ],
    alarms.every_alarm_rings_at_the_topic_but_those_that_codedeploy_asks: [
        without("UnusableAlarm/AlarmActions"),
        besides("ForgedAlarm/ActionsEnabled", value=False),
        besides("RelayVersionErrorsAlarm/AlarmActions", [{"Ref": "AlarmTopic"}]),
    ],
    alarms.every_alarm_knows_what_silence_means: [
        instead("UnsentAlarm/TreatMissingData", "notBreaching"),
        without("UnavailableAlarm/TreatMissingData"),
    ],
    alarms.every_alarm_says_what_has_happened_and_where_to_read_on: [
        without("QueueAgeAlarm/AlarmDescription"),
        instead("QueueAgeAlarm/AlarmDescription/Fn::Sub", "Runbook: ${RunbookUrl}#queue-age"),
        reworded("ForgedAlarm/AlarmDescription/Fn::Sub", " Runbook: ${RunbookUrl}#forged-deliveries", ""),
        reworded("ForgedAlarm/AlarmDescription/Fn::Sub", "${RunbookUrl}", "docs/runbook.md"),
    ],
    alarms.mail_goes_to_the_address_that_is_given: [
        without("Resources/AlarmSubscription"),
        without("Resources/AlarmSubscription/Condition"),
    ],
    alarms.metric_filters_read_fields_that_the_log_has: [
        instead("ThrottledDeliveries/FilterPattern", "{ $.statusCode = 429 }"),
        instead("ThrottledDeliveries/LogGroupName/Ref", "RelayLogs"),
    ],
    # --- Dashboard -------------------------------------------------------------------------------
    dashboard.lean_monitoring_has_none: [
        without("Resources/Dashboard/Condition"),
        without("Outputs/DashboardName/Condition"),
    ],
    dashboard.widgets_have_a_place_each: [
        reworded(BODY, '"x": 12, "y": 4, "width": 6', '"x": 12, "y": 4, "width": 8'),
        reworded(BODY, '"x": 18, "y": 4, "width": 6', '"x": 18, "y": 4, "width": 8'),
        reworded(f"{OF_THE_RECONCILER.format('Figures')}/1/Fn::Sub", '"y": 28', '"y": 22'),
    ],
    dashboard.every_figure_is_one_that_there_is: [
        reworded(BODY, '"DeliveryDuplicate"', '"DeliveryDuplicated"'),
        reworded(BODY, '"service", "relay"', '"service", "ingest"'),
        reworded(BODY, '"TimeTo200"', '"TimeTo201"'),
        reworded(BODY, 'service\\",\\"event_type', 'event_type\\",\\"event'),
        reworded(BODY, '\\"WickiePay/${AWS::StackName}\\"', "WickiePay/${AWS::StackName}"),
        reworded(f"{OF_THE_RECONCILER.format('Figures')}/1/Fn::Sub", '"ReplaysAsked"', '"Replays"'),
        instead(f"{OF_THE_RECONCILER.format('Errors')}/0", "MonitorsFully"),
    ],
    dashboard.every_figure_has_a_name_and_each_in_a_widget_its_own: [
        reworded(BODY, '"label": "failed"', '"label": "processed"')
    ],
    dashboard.every_figure_has_a_statistic_and_the_stacks_region: [reworded(BODY, "${AWS::Region}", "eu-west-1")],
    dashboard.all_that_needs_a_person_is_seen_first: [
        reworded(BODY, '"${MalformedAlarm.Arn}",', ""),
        reworded(BODY, '"${MalformedAlarm.Arn}",', '"${QueueAgeAlarm.Arn}",'),
        reworded(f"{OF_THE_RECONCILER.format('Alarms')}/1/Fn::Sub", '"${ReconcileBrakedAlarm.Arn}",', ""),
        instead(f"{OF_THE_RECONCILER.format('Alarms')}/0", "MonitorsFully"),
    ],
    # --- Queries and outputs ---------------------------------------------------------------------
    queries.every_saved_query_is_of_log_groups_of_this_stack: [
        without("SchemesQuery/LogGroupNames"),
        instead("SchemesQuery/LogGroupNames/0", "/aws/lambda/ingest"),
    ],
    queries.every_saved_query_is_about_fields_that_are_logged: [
        reworded("SchemesQuery/QueryString", "by scheme", "by signature_scheme"),
        instead("FailedEventsQuery/LogGroupNames/0/Ref", "RelayLogs"),
        reworded("SlowAnswersQuery/QueryString", "latency_ms", "latency"),
    ],
    outputs.the_outputs_are_those_that_others_go_by: [
        without("Outputs/WebhookUrl"),
        without("Outputs/DomainTarget/Condition"),
    ],
    outputs.every_output_is_of_something_that_there_is: [
        instead("Outputs/DashboardName/Value", "stack-us-east-1"),
        without("Outputs/AlarmTopicArn/Description"),
    ],
    outputs.the_address_to_register_is_the_domains_where_there_is_one: [
        instead("Outputs/WebhookUrl/Value/Fn::If/0", "HasHostedZone"),
        reworded("Outputs/WebhookUrl/Value/Fn::If/2/Fn::Sub", "webhooks/", ""),
    ],
}


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("check", "mutation"),
    [
        pytest.param(check, mutation, id=f"{check.__name__}: {mutation.text}")
        for check, mutations in BROKEN.items()
        for mutation in mutations
    ],
)
def test_what_is_broken_is_noticed_by(check: Check, mutation: Mutation) -> None:
    assert list(check(mutation.apply(copy.deepcopy(TEMPLATE))))


@pytest.mark.parametrize("check", CHECKS.values(), ids=CHECKS)
def test_there_is_a_way_to_break(check: Check) -> None:
    assert BROKEN.get(check)
