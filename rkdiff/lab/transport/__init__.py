"""The transport laboratory: what one measures of flows and bridges, one file each; `kinds` names the jobs."""
