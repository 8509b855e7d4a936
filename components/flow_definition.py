"""The lead flow as an Amazon States Language document. A pure function; ARNs may be Outputs."""

from collections.abc import Mapping
from typing import Any

State = dict[str, Any]

# The steps in order: state -> the contract's LeadStep. A new step is one line here and its function.
STEPS: Mapping[str, str] = {
    "CreateClient": "client",
    "CreatePartner": "partner",
    "CreateBenefit": "benefit",
}
FUNCTION_STATES = ("ReceiveLead", *STEPS, "CatchErrors")

# Seconds. A function's own time-out is below TASK_TIMEOUT.
TASK_TIMEOUT = 60
# Longer than three steps that use up every retry.
FLOW_TIMEOUT = 6 * 3600

# How the cause begins of an execution whose lead CatchErrors has recorded.
FAILED_CAUSE = "The lead failed in"

# Errors after which the same call may succeed. States.TaskFailed is not among them: a refusal must not be retried.
TRANSIENT_ERRORS = (
    "CrmUnavailable",
    "Unavailable",
    # a deployment changes a function's code first, and its environment a moment later
    "MissingSetting",
    "Lambda.ClientExecutionTimeoutException",
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.TooManyRequestsException",
    "Lambda.Unknown",
    "Runtime.ExitError",
    "Sandbox.Timedout",
    "States.Timeout",
)
# Full jitter draws each wait between nothing and the backed-off interval: on average half of it. With 36
# attempts the waits add up to 15 minutes on average, and to 10 minutes in practically every case.
RETRY: State = {
    "ErrorEquals": list(TRANSIENT_ERRORS),
    "IntervalSeconds": 1,
    "BackoffRate": 2,
    "MaxDelaySeconds": 60,
    "MaxAttempts": 36,
    "JitterStrategy": "FULL",
}


def definition(function_arns: Mapping[str, Any]) -> State:
    """`function_arns`: state -> the ARN of its function, for each of FUNCTION_STATES."""
    states: dict[str, State] = {
        "ReceiveLead": _guarded(
            function_arns["ReceiveLead"],
            {
                "event": "{% $states.context.Execution.Input %}",
                "execution": "{% $states.context.Execution.Id %}",
            },
            assign={"lead": "{% $states.result.Payload %}"},
            next_state="IsNew",
        ),
        "IsNew": {
            "Type": "Choice",
            "Choices": [{"Condition": "{% $lead.duplicate %}", "Next": "AlreadyKnown"}],
            "Default": next(iter(STEPS)),
        },
        "AlreadyKnown": {"Type": "Succeed", "Comment": "Another execution has this lead; nothing was done"},
    }
    names = list(STEPS)
    for position, (name, step) in enumerate(STEPS.items()):
        final = position == len(names) - 1
        states[name] = _guarded(
            function_arns[name],
            {
                "leadId": "{% $lead.leadId %}",
                "execution": "{% $states.context.Execution.Id %}",
                "step": step,
                "final": final,
                "record": f"{{% $lead.records.{step} %}}",
            },
            next_state=None if final else names[position + 1],
        )
    states["CatchErrors"] = _task(
        function_arns["CatchErrors"],
        {
            "event": "{% $states.context.Execution.Input %}",
            "execution": "{% $states.context.Execution.Id %}",
            "failure": "{% $failure %}",
        },
        next_state="Failed",
    )
    states["Failed"] = {
        "Type": "Fail",
        "Error": "{% $failure.error %}",
        "Cause": f"{{% '{FAILED_CAUSE} ' & $failure.state & '; its status says why' %}}",
    }
    return {
        "Comment": "Carries one lead into the CRM",
        "QueryLanguage": "JSONata",
        "TimeoutSeconds": FLOW_TIMEOUT,
        "StartAt": "ReceiveLead",
        "States": states,
    }


def _guarded(function_arn: Any, payload: State, *, next_state: str | None, assign: State | None = None) -> State:
    """A task whose every failure is remembered, with the state it happened in, and leads to CatchErrors."""
    state = _task(function_arn, payload, next_state=next_state)
    if assign:
        state["Assign"] = assign
    state["Catch"] = [
        {
            "ErrorEquals": ["States.ALL"],
            "Assign": {
                "failure": {
                    "state": "{% $states.context.State.Name %}",
                    "error": "{% $states.errorOutput.Error %}",
                    # a time-out has no cause, and an expression without a value would fail the catch itself
                    "cause": "{% $exists($states.errorOutput.Cause) ? $states.errorOutput.Cause : '' %}",
                }
            },
            "Next": "CatchErrors",
        }
    ]
    return state


def _task(function_arn: Any, payload: State, *, next_state: str | None) -> State:
    state: State = {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Arguments": {"FunctionName": function_arn, "Payload": payload},
        "Output": "{% $states.result.Payload %}",
        "TimeoutSeconds": TASK_TIMEOUT,
        "Retry": [RETRY],
    }
    return state | ({"Next": next_state} if next_state else {"End": True})
