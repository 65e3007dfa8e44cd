"""Each of the 131 routes of the contract: how Neko answers it, and the test that shows it (``contract/rest.md``)."""

from __future__ import annotations

from typing import Final

SAME: Final = "same"
FIXED: Final = "fixed"
"""A defect or weakness that the contract names is left out, or the answer differs on purpose: an old address leads on,
a sentence is the reader's."""

ROUTES: Final[dict[str, dict[str, dict[str, str]]]] = {
    "contract/test_connection.py": {
        "test_a_frame_that_is_not_json_is_answered_and_the_socket_stays": {
            "WS /ws/{lanlan_name}": SAME,
        },
    },
    "page/test_memory_browser.py": {
        "test_a_day_is_reached_by_the_bars_the_keyboard_and_the_address": {
            "GET /memory_browser": SAME,
        },
    },
    "web/test_agent_switches.py": {
        "test_an_ability_that_cannot_be_used_stays_off_and_says_why_once": {
            "GET /api/agent/flags": SAME,
            "POST /api/agent/flags": FIXED,
        },
        "test_every_change_is_told_to_pages_and_each_snapshot_is_newer": {
            "GET /api/agent/state": SAME,
        },
        "test_what_is_to_be_analysed_goes_to_the_consumer_and_to_who_listens": {
            "POST /api/agent/internal/analyze_request": SAME,
        },
        "test_asking_what_could_be_used_waits_for_nothing_and_looks_in_the_background": {
            "GET /api/agent/computer_use/availability": FIXED,
            "GET /api/agent/browser_use/availability": FIXED,
        },
        "test_which_plug_ins_there_are_is_known_while_they_are_off": {
            "GET /api/agent/user_plugin/availability": FIXED,
        },
    },
    "web/test_agent_tasks.py": {
        "test_a_task_is_held_goes_on_is_ended_and_tried_again": {
            "POST /api/agent/command": FIXED,
        },
        "test_a_task_is_begun_listed_with_its_picture_and_its_files_kept": {
            "GET /api/agent/tasks": SAME,
            "GET /api/agent/tasks/{id}": SAME,
        },
        "test_everything_can_be_stopped_at_once_in_each_way": {
            "POST /api/agent/admin/control": FIXED,
        },
    },
    "web/test_avatars.py": {
        "test_a_character_wears_her_model_under_its_new_name_too_and_the_built_in_face_when_it_is_gone": {
            "GET /api/characters/current_live2d_model": FIXED,
            "DELETE /api/live2d/model/{name}": SAME,
        },
        "test_a_live2d_model_comes_in_is_listed_and_served": {
            "GET /api/live2d/models": SAME,
            "GET /api/live2d/user_models": SAME,
            "GET /api/live2d/model_files/{name}": SAME,
        },
        "test_what_is_set_for_a_model_is_kept": {
            "GET /api/live2d/model_config/{name}": FIXED,
            "POST /api/live2d/model_config/{name}": SAME,
            "GET /api/live2d/emotion_mapping/{name}": SAME,
            "POST /api/live2d/emotion_mapping/{name}": FIXED,
            "GET /api/live2d/model_parameters/{name}": SAME,
            "POST /api/live2d/save_model_parameters/{name}": SAME,
            "GET /api/live2d/load_model_parameters/{name}": SAME,
        },
        "test_models_of_workshop_items_are_found_by_their_number": {
            "GET /api/live2d/model_config_by_id/{id}": FIXED,
            "POST /api/live2d/model_config_by_id/{id}": SAME,
            "GET /api/live2d/model_files_by_id/{id}": FIXED,
        },
        "test_an_archive_is_taken_in_like_a_folder": {
            "POST /api/live2d/upload_model": FIXED,
        },
        "test_an_expression_is_added_however_the_page_says_what_it_is": {
            "POST /api/live2d/upload_file/{name}": FIXED,
        },
        "test_what_is_not_there_is_told_as_the_pages_expect_it": {
            "GET /api/live2d/open_model_directory/{name}": FIXED,
        },
        "test_vrm_models_and_animations_come_in_and_go": {
            "GET /api/model/vrm/models": SAME,
            "POST /api/model/vrm/upload": FIXED,
            "GET /api/model/vrm/animations": SAME,
            "POST /api/model/vrm/upload_animation": SAME,
            "GET /api/model/vrm/emotion_mapping/{model}": FIXED,
            "POST /api/model/vrm/emotion_mapping/{model}": FIXED,
            "GET /api/model/vrm/expressions/{model}": FIXED,
        },
    },
    "web/test_characters.py": {
        "test_the_user_is_who_they_say_and_the_name_has_to_be_one": {
            "POST /api/characters/master": SAME,
        },
        "test_a_character_is_added_with_the_fields_that_have_a_value": {
            "POST /api/characters/catgirl": FIXED,
        },
        "test_putting_a_card_replaces_it_but_for_the_keys_of_the_program": {
            "PUT /api/characters/catgirl/{name}": FIXED,
        },
        "test_who_is_deleted_comes_back_with_card_place_and_memory": {
            "DELETE /api/characters/catgirl/{name}": FIXED,
        },
        "test_a_renamed_character_keeps_memory_voice_and_ways": {
            "POST /api/characters/catgirl/{name}/rename": FIXED,
        },
        "test_what_was_written_by_hand_counts_after_a_reload": {
            "POST /api/characters/reload": SAME,
        },
        "test_after_a_renaming_the_pages_call_for_the_memory_finds_it_there": {
            "POST /api/memory/update_catgirl_name": FIXED,
        },
    },
    "web/test_core_api.py": {
        "test_secrets_are_masked_in_every_answer_of_the_server": {
            "GET /api/config/core_api": FIXED,
        },
        "test_saving_merges_and_loses_no_key_of_the_file": {
            "POST /api/config/core_api": FIXED,
        },
        "test_the_provider_lists_hold_the_contract_providers": {
            "GET /api/config/api_providers": SAME,
        },
    },
    "web/test_mcp.py": {
        "test_a_server_is_listed_with_its_tools_and_without_its_secrets": {
            "GET /api/agent/mcp/availability": FIXED,
        },
    },
    "web/test_memory_service.py": {
        "test_a_recent_window_is_read_and_replaced_as_a_file": {
            "GET /api/memory/recent_files": SAME,
            "GET /api/memory/recent_file": SAME,
        },
        "test_other_files_are_neither_read_nor_written": {
            "POST /api/memory/recent_file/save": FIXED,
        },
        "test_the_switch_of_the_review_is_kept_where_upstream_keeps_it": {
            "GET /api/memory/review_config": SAME,
            "POST /api/memory/review_config": FIXED,
        },
    },
    "web/test_pages.py": {
        "test_an_old_bookmark_opens_what_took_the_place_of_the_page": {
            "GET /chara_manager": FIXED,
            "GET /api_key": FIXED,
            "GET /l2d": FIXED,
            "GET /api/auth/page": FIXED,
            "GET /live2d_parameter_editor": FIXED,
            "GET /live2d_emotion_manager": FIXED,
            "GET /vrm_emotion_manager": FIXED,
        },
        "test_a_page_beside_the_talk_has_a_module_of_its_own": {
            "GET /model_manager": SAME,
            "GET /voice_clone": SAME,
            "GET /steam_workshop_manager": SAME,
            "GET /cookies_login": SAME,
        },
        "test_the_root_is_the_page_with_the_current_character": {
            "GET /": SAME,
        },
        "test_any_single_segment_is_the_page_and_its_text_stays_text": {
            "GET /{lanlan_name}": SAME,
        },
    },
    "web/test_preferences.py": {
        "test_a_place_comes_back_as_it_was_stored_and_a_new_one_comes_first": {
            "GET /api/config/preferences": SAME,
        },
        "test_what_is_left_out_keeps_its_stored_value_and_place": {
            "POST /api/config/preferences": SAME,
        },
        "test_a_model_can_be_put_first": {
            "POST /api/config/preferences/set-preferred": SAME,
        },
    },
    "web/test_routes.py": {
        "test_health_names_the_service_and_the_process": {
            "GET /health": SAME,
        },
        "test_a_closing_page_shuts_nothing_down_whatever_it_sends": {
            "POST /api/beacon/shutdown": FIXED,
        },
        "test_page_config_names_the_current_character": {
            "GET /api/config/page_config": SAME,
        },
        "test_the_page_words_follow_the_browser_without_steam": {
            "GET /api/config/steam_language": FIXED,
        },
        "test_a_chosen_language_wins_over_the_browser_and_can_be_taken_back": {
            "GET /api/config/user_language": FIXED,
        },
        "test_the_characters_file_is_answered_unchanged_on_both_addresses": {
            "GET /api/characters/": FIXED,
        },
        "test_a_character_is_chosen_by_name": {
            "GET /api/characters/current_catgirl": SAME,
            "POST /api/characters/current_catgirl": SAME,
        },
        "test_the_voices_of_all_cards_can_be_cleared": {
            "POST /api/characters/clear_voice_ids": SAME,
        },
        "test_the_microphone_is_remembered_as_it_was_sent": {
            "POST /api/characters/set_microphone": SAME,
            "GET /api/characters/get_microphone": SAME,
        },
        "test_a_page_learns_where_vrm_models_would_be": {
            "GET /api/model/vrm/config": SAME,
        },
        "test_everything_about_the_agent_is_off_and_each_snapshot_is_newer": {
            "GET /api/agent/health": SAME,
        },
        "test_a_text_has_a_feeling": {
            "POST /api/emotion/analysis": SAME,
        },
    },
    "web/test_speech.py": {
        "test_no_other_address_is_asked_for_the_voices_of_a_gpt_sovits": {
            "POST /api/config/gptsovits/list_voices": FIXED,
        },
    },
    "web/test_steam.py": {
        "test_subscribed_items_are_told_with_their_state_and_what_steam_knows_of_them": {
            "GET /api/steam/workshop/subscribed-items": FIXED,
        },
        "test_one_item_and_its_folder_are_told": {
            "GET /api/steam/workshop/item/{id}": FIXED,
            "GET /api/steam/workshop/item/{id}/path": FIXED,
        },
        "test_unsubscribing_takes_the_folder_and_its_characters_but_never_the_current_one": {
            "POST /api/steam/workshop/unsubscribe": FIXED,
        },
        "test_playing_time_grows_and_reaches_achievements": {
            "POST /api/steam/update-playtime": FIXED,
        },
        "test_achievements_are_listed_and_given_once": {
            "POST /api/steam/set-achievement-status/{name}": SAME,
            "GET /api/steam/list-achievements": SAME,
        },
    },
    "web/test_steam_publishing.py": {
        "test_a_new_item_is_made_uploaded_and_remembered": {
            "POST /api/steam/workshop/publish": FIXED,
        },
    },
    "web/test_workshop.py": {
        "test_a_card_is_made_ready_with_its_model_and_cleaned_up": {
            "GET /api/steam/workshop/meta/{card}": SAME,
            "POST /api/steam/workshop/prepare-upload": FIXED,
        },
        "test_another_folder_of_items_is_chosen_but_none_that_holds_what_is_private": {
            "GET /api/steam/workshop/config": SAME,
            "POST /api/steam/workshop/config": FIXED,
        },
        "test_items_are_listed_read_and_pictured": {
            "POST /api/steam/workshop/local-items/scan": SAME,
            "GET /api/steam/workshop/local-items/{id}": SAME,
            "GET /api/steam/workshop/check-upload-status": FIXED,
            "GET /api/steam/workshop/list-audio-files": SAME,
        },
        "test_no_path_leads_out_of_the_folder_of_items": {
            "GET /api/steam/workshop/read-file": FIXED,
            "GET /api/steam/workshop/list-chara-files": FIXED,
            "POST /api/steam/workshop/cleanup-temp-folder": FIXED,
            "POST /api/steam/workshop/upload-preview-image": FIXED,
            "GET /api/file-exists": FIXED,
            "GET /api/find-first-image": FIXED,
            "GET /api/steam/proxy-image": FIXED,
        },
    },
    "web/test_character_models.py": {
        "test_a_character_wears_the_model_that_is_chosen_and_nothing_of_the_other_kind": {
            "PUT /api/characters/catgirl/l2d/{name}": FIXED,
        },
        "test_light_is_laid_over_what_is_set_and_keeps_what_this_form_does_not_know": {
            "PUT /api/characters/catgirl/{name}/lighting": FIXED,
        },
        "test_cards_in_the_folder_are_listed_and_damaged_ones_are_not": {
            "GET /api/characters/character-card/list": FIXED,
        },
        "test_a_card_becomes_a_character_and_takes_nothing_from_one_that_is_there": {
            "POST /api/characters/character-card/save": FIXED,
        },
        "test_a_card_is_put_to_the_users_own_model_and_nowhere_else": {
            "POST /api/characters/catgirl/save-to-model-folder": FIXED,
        },
    },
    "web/test_media_cookies.py": {
        "test_a_login_is_kept_for_its_owner_never_told_and_forgotten_for_good": {
            "POST /api/auth/cookies/save": FIXED,
            "GET /api/auth/cookies/{p}": FIXED,
            "GET /api/auth/cookies/status": FIXED,
            "DELETE /api/auth/cookies/{p}": FIXED,
        },
        "test_the_sites_are_told_and_an_unknown_one_is_400": {
            "GET /api/auth/platforms": SAME,
        },
        "test_older_pages_are_answered_with_200_whether_or_not_it_is_a_login": {
            "POST /api/auth/save_cookie": SAME,
        },
    },
    "web/test_character_voices.py": {
        "test_a_voice_is_kept_named_by_a_card_and_gone_from_it_when_it_is_removed": {
            "POST /api/characters/voices": SAME,
            "DELETE /api/characters/voices/{voice_id}": FIXED,
        },
        "test_voices_of_every_key_count_and_no_key_is_told": {
            "GET /api/characters/voices": FIXED,
        },
        "test_a_voice_that_nobody_has_is_refused_and_an_empty_one_takes_it_away": {
            "PUT /api/characters/catgirl/voice_id/{name}": FIXED,
            "POST /api/characters/catgirl/{name}/unregister_voice": SAME,
        },
        "test_a_page_learns_whether_somebody_is_in_a_call": {
            "GET /api/characters/catgirl/{name}/voice_mode_status": SAME,
        },
        "test_a_voice_is_heard_before_it_is_chosen": {
            "GET /api/characters/voice_preview": FIXED,
        },
        "test_a_voice_is_made_by_the_users_own_server_and_speaks_for_her": {
            "POST /api/characters/voice_clone": FIXED,
        },
        "test_a_window_has_a_title_only_where_one_can_be_asked_for": {
            "GET /api/get_window_title": SAME,
        },
    },
    "web/test_personal_dynamics.py": {
        "test_each_site_is_asked_with_its_own_login_and_told_as_text": {
            "POST /api/personal_dynamics": FIXED,
        },
    },
    "web/test_proactive.py": {
        "test_what_was_planned_for_today_is_spoken_of_once_with_its_reason": {
            "POST /api/proactive_chat": FIXED,
        },
    },
    "web/test_translation.py": {
        "test_a_text_is_translated_by_the_model_whatever_it_holds": {
            "POST /api/translate": FIXED,
        },
    },
}
"""By file of tests and test: method and path, and how it is answered."""

OPEN: Final[dict[str, tuple[str, ...]]] = {}
"""What is not there yet, by router."""
