#!/bin/sh
# Prints monitoring/alerts.yml as a PrometheusRule: deploy/kubernetes/prometheus-rule.sh | kubectl apply -n legwork -f -
set -eu
cat <<HEAD
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: legwork
spec:
HEAD
sed 's/^/  /' "$(dirname "$0")/../../monitoring/alerts.yml"
