"""Fields whose zero value the API leaves out: giving `hostNetwork: false` is the same as giving nothing.

Source: the `omitempty` fields that are no pointers in k8s.io/api v0.36 (core, apps, rbac, scheduling, policy,
networking, batch, autoscaling, storage, coordination, discovery, admissionregistration, certificates, node,
flowcontrol) and in apimachinery's meta/v1. Where types disagree on a name the common one decides; names whose
zero value means something in a common type (`replicas`, `storageClassName`, `rules`, `type`) are kept.
"""

from __future__ import annotations


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_STRINGS = _words(
    """
    apiGroup apiVersion caBundle certificateChainPath clusterIP concurrencyPolicy containerID
    credentialBundlePath datasetName datasetUUID description directory dnsPolicy effect externalID
    externalName externalTrafficPolicy field fsType generateName health host hostIP hostname image
    imagePullPolicy iscsiInterface key keyPath keyType keyring loadBalancerIP medium messageExpression name
    namespace nodeName operator path persistentVolumeReclaimPolicy podCIDR podManagementPolicy policyName
    pool prefix priorityClassName protectionDomain protocol providerID pullPolicy reference request
    restartPolicy revision schedulerName scheme secretFile secretName selfLink serviceAccountName
    sessionAffinity storageMode storagePolicyID storagePolicyName storagePool subPath subPathExpr subdomain
    targetContainerName tenant terminationMessagePath terminationMessagePolicy username value volumeName
    volumeNamespace whenDeleted whenScaled workingDir
    """
)
_BOOLEANS = _words(
    """
    chapAuthDiscovery chapAuthSession clusterScope globalDefault hostIPC hostNetwork hostPID paused
    publishNotReadyAddresses readOnly sslEnabled stdin stdinOnce tty unschedulable
    """
)
_NUMBERS = _words(
    """
    failureThreshold generation healthCheckNodePort hostPort initialDelaySeconds minReadySeconds nodePort
    number periodSeconds signal sizeBytes successThreshold timeoutSeconds
    """
)
_LISTS = _words(
    """
    accessModes add allowedTopologies apiGroups apiVersions args auditAnnotations cidrs claims clusterIPs
    clusterRoleSelectors command drop egress env envFrom ephemeralContainers except excludeResourceRules
    expressionWarnings externalIPs failed finalizers forNodes forZones from hostAliases hostnames hosts
    httpHeaders imagePullSecrets ingress initContainers ipFamilies items loadBalancerSourceRanges
    managedFields matchConditions matchExpressions matchFields matchLabelExpressions matchLabelKeys metrics
    mismatchLabelKeys mountOptions mutations nameservers nonResourceRules nonResourceURLs notReadyAddresses
    onPodConditions operations options ownerReferences podCIDRs policies policyTypes portals ports
    preferAvoidPods preferredDuringSchedulingIgnoredDuringExecution readinessGates
    requiredDuringSchedulingIgnoredDuringExecution resizePolicy resourceClaims resourceNames resourceRules
    resources restartPolicyRules schedulingGates scopes searches secrets subjects subsets succeeded
    supplementalGroups sysctls taints targetWWNs tls to tokenRequests tolerations topologySpreadConstraints
    usages validationActions validations values variables volumeClaimTemplates volumeDevices
    volumeLifecycleModes volumeMounts volumes webhooks wwids
    """
)
MAPS = _words(
    """
    annotations binaryData capacity data default defaultRequest deprecatedTopology extra hard labels limits
    matchLabels max maxLimitRequestRatio min nodeSelector options overhead parameters podFixed requests
    stringData userAnnotations volumeAttributes
    """
)
"""Fields that hold a map with the user's own keys; inside them nothing is left out."""
QUANTITIES = frozenset(["sizeLimit", "divisor", "tolerance", "averageValue", "maximumVolumeSize"])
"""Fields that hold a single quantity."""
QUANTITY_MAPS = _words(
    "limits requests capacity overhead podFixed hard max min default defaultRequest maxLimitRequestRatio"
)
"""Fields that hold a map of quantities."""


def leaves_out(name: str, value: object) -> bool:
    """Whether the API leaves the field `name` out when it has this value."""
    if isinstance(value, bool):
        return not value and name in _BOOLEANS
    if isinstance(value, (int, float)):
        return value == 0 and name in _NUMBERS
    if isinstance(value, str):
        return not value and name in _STRINGS
    if isinstance(value, list):
        return not value and name in _LISTS
    return value == {} and name in MAPS
