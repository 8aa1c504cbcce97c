/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "session/log_messages.h"

#include <syslog.h>

const struct log_message_kind log_messages[LOG_MESSAGES] = {
	/* sessions */
	[LOG_SESSION_OPENED] = { "NSL001 session opened", "2f78e8b2b1a649da9ec4de8c85165f1e", LOG_NOTICE },
	[LOG_SESSION_JOINED] = { "NSL002 session joined", "6286e2b80e3448adb923cd6306500689", LOG_NOTICE },
	[LOG_SESSION_CLOSED] = { "NSL003 session closed", "69124a8c69484175b407f915952c8655", LOG_NOTICE },
	[LOG_SESSION_LEFT] = { "NSL004 session left", "39320dc42f344b0a8add97b15ff9f48e", LOG_NOTICE },
	[LOG_CLOSE_FAILED] = { "NSL005 step close", "282e48dd299545ef91e0bd9c0b610cf2", LOG_ERR },
	[LOG_SESSION_KILLED] = { "NSL006 session killed", "0fafa2cb000d49478dd3fdfa2f02ff07", LOG_NOTICE },
	[LOG_SESSION_ENTERED] = { "NSL007 session entered", "5dddfa5dfaf44f268b835f9a6691bcd8", LOG_NOTICE },
	[LOG_ENTERING_ENDED] = { "NSL008 entering ended", "1330e8653647418ca76dfd6e8be4368f", LOG_NOTICE },
	/* mode "audit" */
	[LOG_WOULD_ISOLATE] = { "NSL010 would isolate", "b263db3cdcc244c38b21309d6736abbe", LOG_NOTICE },
	[LOG_WOULD_REFUSE] = { "NSL011 not isolated", "ff1d1edf8930444fa4726b709b2763d2", LOG_WARNING },
	[LOG_AUDIT_NOT_KEPT] = { "NSL012 not isolated", "fb121263eb954b0da492ff7546005949", LOG_INFO },
	/* who does not get in */
	[LOG_REFUSED_POLICY] = { "NSL020 refused", "3a0c3239fcae4cba96b9bd2dabf3625f", LOG_ERR },
	[LOG_REFUSED_NO_POLICY] = { "NSL021 refused", "257da0c3a310455dbb54afa1449e3a74", LOG_ERR },
	[LOG_REFUSED_FAILED] = { "NSL022 refused", "0d03288cb6294e7aa371b4c2fdf95f01", LOG_ERR },
	[LOG_DENIED_POLICY] = { "NSL023 denied", "653d1010f03342409392de26bd7043e9", LOG_NOTICE },
	[LOG_DENIED_LIMIT] = { "NSL024 denied", "42427b38d4c84d5b8f0ed9f8d4329f72", LOG_NOTICE },
	/* who gets in without a session */
	[LOG_PASSED_ROOT_ANYWAY] = { "NSL030 not isolated", "44772063eff640b5bd4514562b216a93", LOG_ERR },
	[LOG_PASSED_ROOT] = { "NSL031 not isolated", "7df2f6ebdba94f4bbb072fb4e2d46e05", LOG_INFO },
	[LOG_PASSED_EXEMPT] = { "NSL032 not isolated", "b3f396c65cbd4bd88b0ad171a41f3247", LOG_INFO },
	[LOG_PASSED_OFF] = { "NSL033 not isolated", "7f97b168d79349e8879175aa8205d053", LOG_INFO },
	[LOG_PASSED_SYSTEM_USER] = { "NSL034 not isolated", "6eb86d4d014443648a7f2af3c29dae9a", LOG_INFO },
	[LOG_PASSED_USER_MANAGER] = { "NSL035 not isolated", "2b80a8ef545342daa7389e58d3356017", LOG_INFO },
	[LOG_PASSED_NO_POLICY] = { "NSL036 not isolated", "c9fa393dd2f248069a9d6900b5a3d848", LOG_INFO },
	[LOG_OPENED_BEFORE] = { "NSL037 nothing to do", "6381b563950b453789dde9e2f57efa5e", LOG_DEBUG },
	[LOG_REFUSED_BEFORE] = { "NSL038 nothing to do", "3a0058102d3d42329726415453d3870b", LOG_DEBUG },
	/* nsinspect audit: of the severity that was found */
	[LOG_AUDIT] = { "NSL040 audit", "0dc620ab79734bd39ee6cb61bd99ff1b", LOG_INFO },
};

enum log_message log_message_of_outcome(enum outcome outcome, bool optional)
{
	switch (outcome) {
	case OUTCOME_OFF:
		return LOG_PASSED_OFF;
	case OUTCOME_SYSTEM_USER:
		return LOG_PASSED_SYSTEM_USER;
	case OUTCOME_USER_MANAGER:
		return LOG_PASSED_USER_MANAGER;
	case OUTCOME_AUDIT:
		return LOG_WOULD_REFUSE;
	case OUTCOME_NO_POLICY:
		return optional ? LOG_PASSED_NO_POLICY : LOG_REFUSED_NO_POLICY;
	case OUTCOME_DENIED:
		return LOG_DENIED_POLICY;
	case OUTCOME_FULL:
		return LOG_DENIED_LIMIT;
	case OUTCOME_REFUSED:
		return LOG_REFUSED_POLICY;
	case OUTCOME_OPENED:
	case OUTCOME_FAILED:
	case OUTCOME_LIMITS:
	default:
		return LOG_REFUSED_FAILED;
	}
}
