# Who is told when something on AWS stands still, fills up or costs too much. The services' own
# figures are on /metrics, and their alarms are Prometheus's.

terraform {
  required_version = ">= 1.9"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 6.25"
    }
  }
}

locals {
  budgets = {
    # everything carries the tag; it counts once it is activated as a cost allocation tag
    month = { usd = var.budget_usd, filter = "TagKeyValue", value = format("user:deployment$%s", var.deployment) }
    # on-demand calls of models carry none: they are counted by the service, in the whole account
    models-month = { usd = var.models_budget_usd, filter = "Service", value = "Amazon Bedrock" }
  }

  kafka = { "Cluster Name" = var.kafka_cluster }

  alarms = merge(
    {
      kafka-no-controller = {
        about      = "Kafka has no controller: partitions get no leader"
        namespace  = "AWS/Kafka", metric = "ActiveControllerCount", statistic = "Average"
        dimensions = local.kafka
        compare    = "LessThanThreshold", threshold = 0.01, minutes = 5, missing = "breaching"
      }
      kafka-offline-partitions = {
        about      = "Partitions without a leader: what has its conversations there stands still"
        namespace  = "AWS/Kafka", metric = "OfflinePartitionsCount", statistic = "Maximum"
        dimensions = local.kafka
        compare    = "GreaterThanThreshold", threshold = 0, minutes = 5, missing = "notBreaching"
      }
      review-database-connections = {
        about      = "The review queue's database has few connections left"
        namespace  = "AWS/RDS", metric = "DatabaseConnections", statistic = "Maximum"
        dimensions = { DBInstanceIdentifier = var.database }
        compare    = "GreaterThanThreshold", threshold = 300, minutes = 15, missing = "notBreaching"
      }
      review-database-cpu = {
        about      = "The review queue's database is busy: pages become slow"
        namespace  = "AWS/RDS", metric = "CPUUtilization", statistic = "Average"
        dimensions = { DBInstanceIdentifier = var.database }
        compare    = "GreaterThanThreshold", threshold = 80, minutes = 15, missing = "breaching"
      }
      review-database-storage = {
        about      = "The review queue's database has less than 2 GiB left, although it grows by itself"
        namespace  = "AWS/RDS", metric = "FreeStorageSpace", statistic = "Minimum"
        dimensions = { DBInstanceIdentifier = var.database }
        compare    = "LessThanThreshold", threshold = 2 * pow(1024, 3), minutes = 5, missing = "breaching"
      }
    },
    {
      for broker in range(1, var.brokers + 1) : "kafka-disk-${broker}" => {
        about      = "Broker ${broker} is filled to 80%: at 100% it stops. Its volume should have grown by itself"
        namespace  = "AWS/Kafka", metric = "KafkaDataLogsDiskUsed", statistic = "Maximum"
        dimensions = merge(local.kafka, { "Broker ID" = tostring(broker) })
        compare    = "GreaterThanThreshold", threshold = 80, minutes = 5, missing = "notBreaching"
      }
    },
    {
      for broker in range(1, var.brokers + 1) : "kafka-min-isr-${broker}" => {
        about      = "Broker ${broker} leads partitions with too few copies in step: they take no writes"
        namespace  = "AWS/Kafka", metric = "UnderMinIsrPartitionCount", statistic = "Maximum"
        dimensions = merge(local.kafka, { "Broker ID" = tostring(broker) })
        compare    = "GreaterThanThreshold", threshold = 0, minutes = 5, missing = "notBreaching"
      }
    },
    {
      for group, topic in var.lag : "lag-${group}" => {
        about      = "${group} is behind on ${topic} by more than ${var.lag_records} records"
        namespace  = "AWS/Kafka", metric = "SumOffsetLag", statistic = "Maximum"
        dimensions = merge(local.kafka, { "Consumer Group" = "${var.topic_prefix}${group}", Topic = "${var.topic_prefix}${topic}" })
        compare    = "GreaterThanThreshold", threshold = var.lag_records, minutes = 10, missing = "notBreaching"
      }
    },
    {
      for model in var.model_ids : "model-throttled-${replace(model, "/[^A-Za-z0-9-]/", "-")}" => {
        about      = "Bedrock throttles ${model}: ask for more, or let releases fall back"
        namespace  = "AWS/Bedrock", metric = "InvocationThrottles", statistic = "Sum"
        dimensions = { ModelId = model }
        compare    = "GreaterThanThreshold", threshold = 50, minutes = 10, missing = "notBreaching"
      }
    },
  )
}

resource "aws_sns_topic" "this" {
  name              = "${var.deployment}-alarms"
  kms_master_key_id = var.key_arn
}

resource "aws_sns_topic_policy" "this" {
  arn = aws_sns_topic.this.arn

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "AlarmsAndBudgetsOfThisAccount"
        Effect    = "Allow"
        Principal = { Service = ["budgets.amazonaws.com", "cloudwatch.amazonaws.com"] }
        Action    = "sns:Publish"
        Resource  = aws_sns_topic.this.arn
        Condition = { StringEquals = { "aws:SourceAccount" = var.account } }
      },
      {
        Sid       = "OverTlsAlone"
        Effect    = "Deny"
        Principal = "*"
        Action    = "sns:Publish"
        Resource  = aws_sns_topic.this.arn
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      },
    ]
  })
}

resource "aws_sns_topic_subscription" "email" {
  for_each = var.emails

  topic_arn = aws_sns_topic.this.arn
  protocol  = "email"
  endpoint  = each.value
}

resource "aws_cloudwatch_metric_alarm" "this" {
  for_each = local.alarms

  alarm_name          = "${var.deployment}-${each.key}"
  alarm_description   = each.value.about
  namespace           = each.value.namespace
  metric_name         = each.value.metric
  statistic           = each.value.statistic
  dimensions          = each.value.dimensions
  comparison_operator = each.value.compare
  threshold           = each.value.threshold
  period              = 60
  evaluation_periods  = each.value.minutes
  datapoints_to_alarm = each.value.minutes
  treat_missing_data  = each.value.missing
  alarm_actions       = [aws_sns_topic.this.arn]
  ok_actions          = [aws_sns_topic.this.arn]
}

resource "aws_budgets_budget" "this" {
  for_each = local.budgets

  name         = "${var.deployment}-${each.key}"
  budget_type  = "COST"
  limit_amount = tostring(each.value.usd)
  limit_unit   = "USD"
  time_unit    = "MONTHLY"

  cost_filter {
    name   = each.value.filter
    values = [each.value.value]
  }

  dynamic "notification" {
    for_each = { FORECASTED = 100, ACTUAL = 80 }

    content {
      comparison_operator       = "GREATER_THAN"
      notification_type         = notification.key
      threshold                 = notification.value
      threshold_type            = "PERCENTAGE"
      subscriber_sns_topic_arns = [aws_sns_topic.this.arn]
    }
  }

  depends_on = [aws_sns_topic_policy.this]
}
