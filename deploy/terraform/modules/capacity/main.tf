# From questions a day to partitions, replicas, brokers and volumes: arithmetic alone.

terraform {
  required_version = ">= 1.9"
}

locals {
  peak_per_second = var.questions_per_day * var.peak_factor / 86400

  # Little's law: what is under way is the rate times the time that each takes
  in_flight = local.peak_per_second * var.model_seconds
  replicas = max(
    var.zones,
    ceil(local.in_flight / var.max_in_flight),
    ceil(local.peak_per_second / var.events_per_second_per_replica),
  )

  # a partition is one replica's at the most, so there are twice as many as replicas at the peak:
  # the number cannot be raised later without moving conversations; and as many on each broker
  brokers    = var.zones * max(1, ceil(local.peak_per_second / (var.events_per_second_per_broker * var.zones)))
  partitions = ceil(max(4, 2 * local.replicas) / local.brokers) * local.brokers

  kept_gib   = var.questions_per_day * var.retention_days * var.bytes_per_question / pow(1024, 3)
  volume_gib = max(var.smallest_volume_gib, ceil(local.kept_gib * var.copies / local.brokers / var.volume_use))
}
