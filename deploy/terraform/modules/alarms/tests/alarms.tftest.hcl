mock_provider "aws" {
  override_during = plan

  # with an ARN that is known in the plan
  mock_resource "aws_sns_topic" {}
}

variables {
  deployment        = "glideslope"
  account           = "123456789012"
  emails            = ["oncall@acme.example"]
  key_arn           = "arn:aws:kms:eu-central-1:123456789012:key/1"
  kafka_cluster     = "glideslope"
  brokers           = 3
  database          = "glideslope"
  budget_usd        = 2000
  models_budget_usd = 500
}

run "every_alarm_reaches_somebody" {
  command = plan

  assert {
    condition     = alltrue([for alarm in aws_cloudwatch_metric_alarm.this : alarm.alarm_actions == toset([aws_sns_topic.this.arn]) && length(alarm.alarm_description) > 20])
    error_message = "an alarm reaches nobody, or does not say what it means"
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.this["lag-ingest"].dimensions["Topic"] == "requests"
    error_message = jsonencode(aws_cloudwatch_metric_alarm.this["lag-ingest"].dimensions)
  }

  assert {
    condition     = aws_budgets_budget.this["month"].limit_amount == "2000" && length(aws_budgets_budget.this["month"].notification) == 2
    error_message = "the budget is ${aws_budgets_budget.this["month"].limit_amount}"
  }

  assert {
    condition     = one(one(aws_budgets_budget.this["month"].cost_filter).values) == "user:deployment$glideslope"
    error_message = "the budget counts ${jsonencode(aws_budgets_budget.this["month"].cost_filter)}"
  }
}

run "an_alarm_that_nobody_gets_is_refused" {
  command = plan

  variables {
    emails = []
  }

  expect_failures = [var.emails]
}
