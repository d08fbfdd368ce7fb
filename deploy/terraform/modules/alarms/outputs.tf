output "topic_arn" {
  description = "SNS topic of all alarms, for what else is to tell them."
  value       = aws_sns_topic.this.arn
}

output "names" {
  description = "Names of the alarms."
  value       = [for alarm in aws_cloudwatch_metric_alarm.this : alarm.alarm_name]
}
