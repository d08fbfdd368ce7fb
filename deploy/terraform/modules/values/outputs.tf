output "values" {
  description = "Values of the Helm chart, YAML. What is yours comes in a second file: the image's tag, sign-in, ingress, settings."
  value       = yamlencode(local.values)
}

output "manifests" {
  description = "What is applied to the cluster before the chart, YAML: a StorageClass under the deployment's key, and the store of External Secrets."
  value       = join("---\n", [yamlencode(local.storage_class), yamlencode(local.secret_store)])
}
