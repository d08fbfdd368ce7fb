output "peak_per_second" {
  description = "Questions in a second at the peak."
  value       = local.peak_per_second
}

output "replicas" {
  description = "Replicas of the busiest service at the peak."
  value       = local.replicas
}

output "partitions" {
  description = "GLIDESLOPE_PARTITIONS: twice the replicas at the least."
  value       = local.partitions
}

output "brokers" {
  description = "Brokers, as many in each zone."
  value       = local.brokers
}

output "volume_gib" {
  description = "GiB of each broker's volume."
  value       = local.volume_gib
}
